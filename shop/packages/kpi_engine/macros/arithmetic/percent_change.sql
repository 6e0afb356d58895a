{# Change from `previous` to `current` in percent, two decimals; null where
   there is nothing to compare with. #}
{% macro percent_change(current, previous) -%}
    round(
        100 * ({{ current }} - {{ previous }})::numeric
        / nullif({{ previous }}, 0),
        2
    )
{%- endmacro %}
