{# The statement that creates a summary table's refresh function: claim, compute
   and write, as a build does. #}
{% macro compute_function() -%}
    {%- set sql -%}
create or replace function {{ compute_function_name() }}
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
    {%- do return(sql | replace(adapter.quote(this.database) ~ '.', '')) -%}
{%- endmacro %}

{% macro compute_function_name() -%}
    {%- do return(
        'orchestrator.' ~ adapter.quote('compute_' ~ model.name) ~ '()'
    ) -%}
{%- endmacro %}
