{# The statement that notes what the models declare, and changes nothing else. #}
{% macro declared_access() -%}
    {%- set tables = [] -%}
    {%- set functions = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- if is_summary(node) -%}
            {%- set access = access_config(node) -%}
            {%- set function = access.pop('function') -%}
            {%- if function -%}
                {%- set name = function.name ~ '()' -%}
                {%- if functions.get(name, function.sql) != function.sql -%}
                    {%- do _refuse_access(node,
                        "says otherwise than another table who is a member of a "
                        ~ access.tenant
                    ) -%}
                {%- endif -%}
                {%- do functions.update({name: function.sql}) -%}
            {%- endif -%}
            {%- do tables.append(access) -%}
        {%- elif is_published(node)
            and node.config.materialized != 'ephemeral' -%}
            {%- do exceptions.raise_compiler_error(
                node.name ~ " would be published in " ~ node.schema ~ " as a "
                ~ node.config.materialized ~ ", which no policy protects. Make it"
                ~ " a summary table, or give it +schema: orchestrator. Mend it in "
                ~ properties_path(node) ~ "."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    select orchestrator.declare_access(
        '{{ tojson(tables) | replace("'", "''") }}',
        '{{ tojson(functions) | replace("'", "''") }}'
    )
{%- endmacro %}
