{# The relation of tenants that a summary table's periods belong to: of the
   models it reads, the one whose YAML says `meta: {calendar: true}`. #}
{% macro calendar_of(node) -%}
    {%- for id in node.depends_on.nodes
        if graph.nodes.get(id, {}).get('config', {}).get('meta', {}).get('calendar')
    -%}
        {%- do return(kpi_engine.relation_of(graph.nodes[id])) -%}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error(
        node.name ~ " reads no calendar. Select from"
        ~ " {{ '{{' }} kpi_engine.periods(ref('the calendar')) {{ '}}' }}."
    ) -%}
{%- endmacro %}
