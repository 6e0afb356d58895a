{# What a model reads, through however many views:
   {sources: [source nodes], upstream: [names of summaries], views: [relations]}. #}
{% macro lineage_of(node) -%}
    {%- set found = {'sources': [], 'upstream': [], 'views': []} -%}
    {%- set pending = node.depends_on.nodes | list -%}
    {%- set seen = [] -%}
    {%- for _ in range(1000) if pending -%}
        {%- set id = pending.pop() -%}
        {%- if id in seen -%}
        {%- elif id in graph.sources -%}
            {%- do found.sources.append(graph.sources[id]) -%}
        {%- elif id in graph.nodes and kpi_engine.is_summary(graph.nodes[id]) -%}
            {%- do found.upstream.append(graph.nodes[id].name) -%}
        {%- elif id in graph.nodes -%}
            {%- do pending.extend(graph.nodes[id].depends_on.nodes) -%}
            {%- if graph.nodes[id].config.materialized == 'view' -%}
                {%- do found.views.append(
                    kpi_engine.relation_of(graph.nodes[id]) | string
                ) -%}
            {%- endif -%}
        {%- endif -%}
        {%- do seen.append(id) -%}
    {%- endfor -%}
    {%- do return(found) -%}
{%- endmacro %}
