{# Relations live in the schemas that clients know, whatever the profile's own:
   `analytics` for summary tables, `orchestrator` for what is internal. #}
{% macro schema_name(custom_schema_name) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
