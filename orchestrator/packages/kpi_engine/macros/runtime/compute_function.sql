{# The statements that create a summary table's functions: the one that claims, and
   the one that computes and writes what is claimed, of the model's own SQL. #}
{% macro compute_function() -%}
    {%- set sql -%}
{{ kpi_engine.claim_function() }}

drop function if exists {{ kpi_engine.compute_function_name() }};
create function {{ kpi_engine.compute_function_name() }}
returns {{ kpi_engine.runtime_schema() }}.changed_period []
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $compute$
#variable_conflict use_column
declare
    changed_periods {{ kpi_engine.runtime_schema() }}.changed_period [];
begin
    if exists (select from {{ kpi_engine.periods_table() }}) then
        {{ kpi_engine.upsert_periods(this, model.compiled_code) }};
        delete from {{ kpi_engine.periods_table() }};
    end if;
    return coalesce(changed_periods, '{}');
end
$compute$;
    {%- endset -%}
    {%- do return(kpi_engine.without_database(sql)) -%}
{%- endmacro %}

{# The function that fills the model's table of periods with what requests ask, and
   returns how many there are to compute. #}
{% macro claim_function() -%}
    {%- set summary = kpi_engine.summary_config(model) -%}
    {%- set calendar = kpi_engine.calendar_of(model) -%}
    {%- set table = kpi_engine.periods_table() -%}
create or replace function
{{ kpi_engine.claim_function_name() | replace('(', '(p_requests ') }}
returns bigint
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $claim$
#variable_conflict use_column
declare
    number bigint;
begin
    if pg_relation_size('{{ table }}') > 500000 then
        perform {{ kpi_engine.runtime_schema() }}.shrink_periods('{{ table }}');
    end if;
    delete from {{ table }};
    {{ kpi_engine.claim_requested(summary, calendar) }}
    return number;
end
$claim$;
{%- endmacro %}

{% macro compute_function_name() -%}
    {%- do return(
        kpi_engine.runtime_schema() ~ '.' ~ adapter.quote('compute_' ~ model.name) ~ '()'
    ) -%}
{%- endmacro %}

{% macro claim_function_name() -%}
    {%- do return(
        kpi_engine.runtime_schema() ~ '.' ~ adapter.quote('claim_' ~ model.name) ~ '('
        ~ kpi_engine.runtime_schema() ~ '.claimed_request [])'
    ) -%}
{%- endmacro %}
