{# What dbt puts into a `create table` of a model with a contract; ours has foreign
   keys to source tables, which models name as `source.table`. #}
{% macro postgres__get_table_columns_and_constraints() -%}
    {%- set table = namespace(ddl=table_columns_and_constraints()) -%}
    {%- for source in graph.sources.values() -%}
        {%- set table.ddl = modules.re.sub(
            '\\breferences ' ~ source.source_name ~ '\\.' ~ source.name ~ '\\b',
            'references ' ~ source_relation(source),
            table.ddl
        ) -%}
    {%- endfor -%}
    {%- do return(table.ddl) -%}
{%- endmacro %}
