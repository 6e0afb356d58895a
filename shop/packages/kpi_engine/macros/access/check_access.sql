{# `dbt run-operation`: what `orchestrator access check` asks of dbt, which alone
   knows what the models declare. The database then finds the differences. #}
{% macro check_access() -%}
    {%- if execute -%}
        {%- do run_query(kpi_engine.declared_access() ~ '; commit; begin') -%}
    {%- endif -%}
{%- endmacro %}
