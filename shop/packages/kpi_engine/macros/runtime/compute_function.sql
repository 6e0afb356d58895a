{# The statements that create a summary table's functions: the one that claims, and
   the one that computes and writes what is claimed, of the model's own SQL. #}
{% macro compute_function() -%}
    {%- set sql -%}
create or replace function {{ kpi_engine.claim_function_name() }}
returns void
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $claim$
begin
    {{ kpi_engine.claim_requested(in_function=true) }}
end
$claim$;

create or replace function {{ kpi_engine.compute_function_name() }}
returns void
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $compute$
begin
    if exists (select from pg_temp.claimed_periods) then
        {{ kpi_engine.upsert_periods(this, model.compiled_code) }};
    end if;
end
$compute$;
    {%- endset -%}
    {%- do return(kpi_engine.without_database(sql)) -%}
{%- endmacro %}

{% macro compute_function_name() -%}
    {%- do return(
        kpi_engine.runtime_schema() ~ '.' ~ adapter.quote('compute_' ~ model.name) ~ '()'
    ) -%}
{%- endmacro %}

{% macro claim_function_name() -%}
    {%- do return(
        kpi_engine.runtime_schema() ~ '.' ~ adapter.quote('claim_' ~ model.name) ~ '()'
    ) -%}
{%- endmacro %}
