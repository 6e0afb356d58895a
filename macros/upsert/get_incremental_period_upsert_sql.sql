{# dbt's entry to the incremental strategy `period_upsert`. #}
{% macro get_incremental_period_upsert_sql(arg_dict) -%}
    {{ upsert_periods(
        arg_dict["target_relation"], "select * from " ~ arg_dict["temp_relation"]
    ) }}
{%- endmacro %}
