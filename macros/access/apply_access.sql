{# `dbt run-operation`: what `orchestrator access apply` asks of dbt before the
   database mends what differs. #}
{% macro apply_access() -%}
    {%- do run_query(install_runtime() or 'select 1') -%}
    {%- do check_access() -%}
{%- endmacro %}
