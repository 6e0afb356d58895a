{# An aggregate: the mean time from `start` to `finish` over the rows that have
   both, in minutes or hours; null where there is none. Divided once: a sum of
   parts that were divided before may miss an exact half. #}
{% macro avg_duration(start, finish, unit='hour', decimals=2) -%}
    round(
        sum(extract(epoch from {{ finish }} - {{ start }}))
        / (
            {{ {'minute': 60, 'hour': 3600}[unit] }}
            * nullif(count({{ finish }} - {{ start }}), 0)
        ),
        {{ decimals }}
    )
{%- endmacro %}
