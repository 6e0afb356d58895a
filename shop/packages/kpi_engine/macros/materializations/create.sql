{# dbt's own, one after the other: two first runs may make a schema at once. #}
{% macro postgres__create_schema(relation) -%}
    {%- call statement('create_schema') -%}
        begin;
        select pg_advisory_xact_lock(hashtext('orchestrator schema'));
        create schema if not exists {{ relation.without_identifier().include(database=False) }};
        commit;
    {%- endcall -%}
{%- endmacro %}

{# dbt's own, but for a summary table that another run has made since dbt looked. #}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- if temporary or not kpi_engine.is_summary(model) -%}
        {{ dbt.postgres__create_table_as(temporary, relation, sql) }}
    {%- else -%}
        {%- set key = "hashtext('orchestrator build'), hashtext("
            ~ kpi_engine.literal(relation.include(database=false)) ~ ")" -%}
        {%- do kpi_engine.wait_for_lock(key) -%}
        {%- if run_query(
            "select to_regclass(" ~ kpi_engine.literal(relation.include(database=false))
            ~ ") is not null"
        )[0][0] -%}
            select 'made by another run'
        {%- else -%}
            {{ dbt.postgres__create_table_as(temporary, relation, sql) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
