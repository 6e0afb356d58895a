{# Add the foreign keys of a model's contract to its new table. They may name a source
   table as `source.table`. #}
{% macro add_foreign_keys() -%}
    {%- set keys = model.constraints
        | selectattr('type', 'equalto', 'foreign_key') | list -%}
    {%- for key in adapter.render_raw_model_constraints(keys) -%}
        {%- set table = namespace(key=key) -%}
        {%- for source in graph.sources.values() -%}
            {%- set table.key = modules.re.sub(
                '\\breferences ' ~ source.source_name ~ '\\.' ~ source.name ~ '\\b',
                'references ' ~ source_relation(source),
                table.key
            ) -%}
        {%- endfor -%}
        alter table {{ this }} add {{ table.key }};
    {% endfor -%}
{%- endmacro %}
