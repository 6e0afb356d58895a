{# Hours from one instant to another. #}
{% macro hours_between(start, finish) -%}
    extract(epoch from {{ finish }} - {{ start }}) / 3600
{%- endmacro %}
