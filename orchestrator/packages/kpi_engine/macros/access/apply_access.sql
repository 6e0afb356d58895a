{# `dbt run-operation`: what `orchestrator access apply` asks of dbt before the
   database repairs what differs. #}
{% macro apply_access() -%}
    {%- do run_query(kpi_engine.install_runtime() or 'select 1') -%}
    {%- do kpi_engine.check_access() -%}
{%- endmacro %}
