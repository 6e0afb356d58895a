{# How many rows of `events` are of one kind, as the integer a summary holds. #}
{% macro count_events(event, detail=none) -%}
    count(*) filter (where {{ kpi_engine._of_kind(event, detail) }})::integer
{%- endmacro %}

{# What the rows of `events` of one kind amount to; zero where there is none. #}
{% macro sum_events(event, detail=none) -%}
    coalesce(sum(events.amount) filter (where {{ kpi_engine._of_kind(event, detail) }}), 0)
{%- endmacro %}

{% macro _of_kind(event, detail) -%}
    events.event = '{{ event }}'
    {%- if detail %} and events.detail = '{{ detail }}'{% endif -%}
{%- endmacro %}
