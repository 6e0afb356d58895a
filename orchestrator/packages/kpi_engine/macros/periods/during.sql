{# Whether the instant `at` lies in a row of the relation `periods`. #}
{% macro during(at) -%}
    {{ at }} >= periods.starts_at and {{ at }} < periods.ends_at
{%- endmacro %}
