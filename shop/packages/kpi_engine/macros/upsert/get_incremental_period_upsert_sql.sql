{# The incremental strategy `period_upsert`, for dbt. The table is there, with the
   columns that it is to have; its rows are written by publish, in slices. #}
{% macro get_incremental_period_upsert_sql(arg_dict) -%}
    select 'refreshed in slices'
{%- endmacro %}
