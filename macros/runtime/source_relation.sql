{# A source node's table as the database writes it: schema.table. #}
{% macro source_relation(source) -%}
    {%- do return(
        _quote_if_needed(source.schema) ~ '.'
        ~ _quote_if_needed(source.identifier)
    ) -%}
{%- endmacro %}

{% macro _quote_if_needed(name) -%}
    {%- do return(
        name if modules.re.match('^[a-z_][a-z0-9_]*$', name)
        else adapter.quote(name)
    ) -%}
{%- endmacro %}
