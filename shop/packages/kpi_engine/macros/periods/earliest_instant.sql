{# The instant before which no period begins: a moment that is older is no real one,
   and a series of days from there would not end. #}
{% macro earliest_instant() -%}
    timestamptz '{{ kpi_engine.setting("earliest_date") }} 00:00+00'
{%- endmacro %}
