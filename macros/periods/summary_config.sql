{# What a summary table declares in its YAML, checked and with its defaults:
   tenant, column, expression, grain, rows, window, cadence, calendar. #}
{% macro summary_config(node) -%}
    {%- set meta = node.config.meta -%}
    {%- set period = meta.get('period') -%}
    {%- if period is not mapping or not period.get('column') -%}
        {%- do _refuse(node, 'period', period, "{column: …, grain: day}") -%}
    {%- endif -%}
    {%- if period.get('grain') not in ('day', 'week', 'month') -%}
        {%- do _refuse(node, 'period.grain', period.get('grain'),
            "day, week or month") -%}
    {%- endif -%}
    {%- if period.get('rows', 'closed') not in ('closed', 'live', 'events') -%}
        {%- do _refuse(node, 'period.rows', period.get('rows'),
            "closed, live or events") -%}
    {%- endif -%}
    {%- do return({
        'model': node.name,
        'tenant': meta.get('tenant'),
        'column': period['column'],
        'expression': period.get('expression', 'target.' ~ period['column']),
        'grain': period['grain'],
        'rows': period.get('rows', 'closed'),
        'window': period.get('window', '0'),
        'cadence': meta.get('cadence'),
    }) -%}
{%- endmacro %}

{% macro _refuse(node, name, value, wanted) -%}
    {%- do exceptions.raise_compiler_error(
        node.name ~ ": meta." ~ name ~ " must be " ~ wanted ~ ", and is "
        ~ tojson(value) ~ ". Mend it in " ~ properties_path(node) ~ "."
    ) -%}
{%- endmacro %}

{% macro is_summary(node) -%}
    {%- do return(
        node.resource_type == 'model'
        and node.config.incremental_strategy == 'period_upsert'
        and node.config.materialized == 'incremental'
    ) -%}
{%- endmacro %}
