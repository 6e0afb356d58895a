{# The newest row of `relation` for a row of `entity` (joined by `key`) whose
   `column` is at or before `day`: a state as it was at the end of that day. #}
{% macro latest_as_of(relation, entity, key, column, day) -%}
    select {{ relation }}.*
    from {{ relation }}
    where
        {{ relation }}.{{ key }} = {{ entity }}.{{ key }}
        and {{ relation }}.{{ column }} <= {{ day }}
    order by {{ relation }}.{{ column }} desc
    limit 1
{%- endmacro %}
