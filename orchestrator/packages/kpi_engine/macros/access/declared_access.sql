{# The statement that notes what the models declare, and changes nothing else. #}
{% macro declared_access() -%}
    {%- set tables = [] -%}
    {%- set functions = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- if kpi_engine.is_summary(node) -%}
            {%- set access = kpi_engine.access_config(node) -%}
            {%- set function = access.pop('function') -%}
            {%- if function -%}
                {%- set name = function.name ~ '()' -%}
                {%- if functions.get(name, function.sql) != function.sql -%}
                    {%- do kpi_engine._refuse_access(node,
                        "says otherwise than another table who is a member of a "
                        ~ access.tenant
                    ) -%}
                {%- endif -%}
                {%- do functions.update({name: function.sql}) -%}
            {%- endif -%}
            {%- do tables.append(access) -%}
        {#- What only lies in the target's own schema is others' affair. -#}
        {%- elif kpi_engine.is_production()
            and node.config.schema == kpi_engine.setting('published_schema')
            and node.config.materialized != 'ephemeral' -%}
            {%- do exceptions.raise_compiler_error(
                node.name ~ " would be published in " ~ node.schema ~ " as a "
                ~ node.config.materialized ~ ", which no policy protects. Make it"
                ~ " a summary table, or give it +schema: " ~ kpi_engine.runtime_schema() ~ ". Fix it in "
                ~ kpi_engine.properties_path(node) ~ "."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    select {{ kpi_engine.runtime_schema() }}.declare_access(
        '{{ tojson(tables) | replace("'", "''") }}',
        '{{ tojson(functions) | replace("'", "''") }}'
    )
{%- endmacro %}
