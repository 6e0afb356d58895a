{# The summary table's refresh, as a function in the database made from the
   model's own SQL; written only where it differs from the one that is there. #}
{% macro install_compute_function() -%}
    {%- set function -%}
        orchestrator.{{ adapter.quote('compute_' ~ model.name) }}()
    {%- endset -%}
    {%- set sql -%}
create or replace function {{ function }}
returns void
language plpgsql
set search_path = public, pg_temp
as $compute$
begin
    {{ claim_requested(exists=true) }}
    if exists (select from pg_temp.claimed_periods) then
        {{ upsert_periods(this, model.compiled_code) }};
    end if;
end
$compute$;
    {%- endset -%}
    {#- Without the database's name, a copy of the database works, too. -#}
    {%- set sql = sql | replace(adapter.quote(this.database) ~ '.', '') -%}
    {%- set installed = run_query(
        "select obj_description(to_regprocedure('" ~ function ~ "'), 'pg_proc')"
    )[0][0] -%}
    {%- if installed != local_md5(sql) %}
        {{ sql }}
        revoke all on function {{ function }} from public;
        comment on function {{ function }} is '{{ local_md5(sql) }}';
    {%- endif -%}
{%- endmacro %}
