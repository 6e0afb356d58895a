{# Whether a state lasts when a row of the relation `periods` ends: it ends
   `until` then or later, or, where that is null, it `still` lasts. #}
{% macro outlasts(until, still='true') -%}
    (
        {{ until }} >= periods.ends_at
        or ({{ until }} is null and {{ still }})
    )
{%- endmacro %}
