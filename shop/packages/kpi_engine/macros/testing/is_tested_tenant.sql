{# Whether a tenant, an expression, is one whose rows a test is to look at: `time`
   is what tested_time gave. #}
{% macro is_tested_tenant(summary, tenant, time) -%}
    {%- if time is none or not summary.tenant or not time.tenants -%}
        true
    {%- else -%}
        {{ tenant }} = any({{ kpi_engine.literal(time.tenants) }}::{{ summary.tenant_type }} [])
    {%- endif -%}
{%- endmacro %}
