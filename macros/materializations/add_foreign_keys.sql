{# Add the foreign keys of a model's contract to its table, if that was just made
   without any. They may name a source table as `source.table`. #}
{% macro add_foreign_keys() -%}
    {%- set keys = model.constraints
        | selectattr('type', 'equalto', 'foreign_key') | list -%}
    {%- if keys and not _has_foreign_keys() -%}
        {%- for key in adapter.render_raw_model_constraints(keys) -%}
            {%- set table = namespace(key=key) -%}
            {%- for source in graph.sources.values() -%}
                {%- set table.key = modules.re.sub(
                    '\\breferences ' ~ source.source_name ~ '\\.' ~ source.name
                    ~ '\\b',
                    'references ' ~ source_relation(source),
                    table.key
                ) -%}
            {%- endfor -%}
            alter table {{ this }} add {{ table.key }};
        {% endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro _has_foreign_keys() -%}
    {%- do return(run_query(
        "select exists (select from pg_constraint where contype = 'f'"
        ~ " and conrelid = '" ~ this.include(database=false) ~ "'::regclass)"
    )[0][0]) -%}
{%- endmacro %}
