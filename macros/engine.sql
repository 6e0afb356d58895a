{# What dbt looks for in a project itself, and nowhere else: here is what the engine
   has of it. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ kpi_engine.schema_name(custom_schema_name, node) }}
{%- endmacro %}

{% macro get_incremental_period_upsert_sql(arg_dict) -%}
    {{ kpi_engine.get_incremental_period_upsert_sql(arg_dict) }}
{%- endmacro %}

{% materialization view, adapter='postgres' %}
    {{ return(kpi_engine.materialization_view_postgres()) }}
{% endmaterialization %}
