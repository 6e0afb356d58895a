{# On-run-start: tell the database who may read which summary table, and close
   the schemas and functions around them. The tables are closed as each is
   built, in its transaction: see protect_table. #}
{% macro declare_access() -%}
    {%- if execute -%}
        {{ kpi_engine.declared_access() }};
        select {{ kpi_engine.runtime_schema() }}.protect_schemas();
        commit;
        begin;
    {%- endif -%}
{%- endmacro %}
