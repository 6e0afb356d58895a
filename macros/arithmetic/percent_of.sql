{# `part` of `whole` in percent, two decimals; null where `whole` is zero. #}
{% macro percent_of(part, whole) -%}
    round({{ part }}::numeric / nullif({{ whole }}, 0) * 100, 2)
{%- endmacro %}
