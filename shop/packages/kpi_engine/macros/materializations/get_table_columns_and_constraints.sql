{# dbt's own, but for the foreign keys: with these PostgreSQL would look up each row
   as it comes. `make_foreign_keys` has it check all of them by one join. #}
{% macro postgres__get_table_columns_and_constraints() -%}
    {%- set others = model.constraints
        | rejectattr('type', 'equalto', 'foreign_key') | list -%}
    {%- set lines = adapter.render_raw_columns_constraints(model.columns)
        + adapter.render_raw_model_constraints(others) -%}
    (
        {{ lines | join(',\n        ') }}
    )
{%- endmacro %}
