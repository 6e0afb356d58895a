{# No source table has rows from before their tenant's first day, by the calendar
   that the test is of: tables with a row for every period would not show them. #}
{% test no_rows_before_first_day(model) -%}
{%- if execute -%}
with validation_errors as (
    {{ kpi_engine.rows_before_first_day(graph.nodes[context.model.attached_node]) }}
)

select * from validation_errors
{%- endif -%}
{%- endtest %}
