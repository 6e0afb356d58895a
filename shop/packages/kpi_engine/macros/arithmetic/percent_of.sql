{# `part` of `whole` in percent, two decimals; null where `whole` is zero.
   Multiplied first and divided once, so that an exact half is one. #}
{% macro percent_of(part, whole) -%}
    round(100 * ({{ part }})::numeric / nullif({{ whole }}, 0), 2)
{%- endmacro %}
