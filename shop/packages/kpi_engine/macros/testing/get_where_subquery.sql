{# dbt's own, of which rows a generic test looks at: where a worker tests, those
   of the time and the tenants that its run has changed. #}
{% macro default__get_where_subquery(relation) -%}
    {%- set conditions = [] -%}
    {%- if config.get('where') -%}
        {%- do conditions.append('(' ~ config.get('where') ~ ')') -%}
    {%- endif -%}
    {%- set node = graph.nodes.get(model.get('attached_node')) if execute -%}
    {%- if node -%}
        {%- set time = kpi_engine.tested_time(node) -%}
        {%- if time is not none -%}
            {%- set summary = kpi_engine.summary_config(node) -%}
            {%- do conditions.append(
                kpi_engine.is_tested_tenant(summary, 'target.' ~ summary.tenant, time)
            ) -%}
            {%- do conditions.append(
                kpi_engine.is_tested(summary, summary.expression, time)
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if conditions -%}
        {%- do return(
            '(select target.* from ' ~ relation ~ ' as target where '
            ~ conditions | join(' and ') ~ ') as dbt_subquery'
        ) -%}
    {%- endif -%}
    {%- do return(relation) -%}
{%- endmacro %}
