{# Descriptions become comments in the database; written only where they differ
   from what is there, for a refresh must not rewrite the catalog. #}
{% macro postgres__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set wanted = {} -%}
    {%- if for_relation and config.persist_relation_docs() -%}
        {%- do wanted.update({'': model.description}) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() -%}
        {%- for name, column in model.columns.items() if column.description -%}
            {%- do wanted.update({name: column.description}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set present = {} -%}
    {%- if wanted -%}
        {%- for row in run_query("
            select coalesce(attname, ''), description
            from pg_description
            left join pg_attribute
                on attrelid = objoid and attnum = objsubid and attnum > 0
            where
                classoid = 'pg_class'::regclass
                and objoid = to_regclass('"
            ~ relation.include(database=false) ~ "')
        ") -%}
            {%- do present.update({row[0]: row[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if wanted.items() | reject('in', present.items()) | list -%}
        {{ default__persist_docs(relation, model, for_relation, for_columns) }}
    {%- endif -%}
{%- endmacro %}
