{# The summary table's refresh, as a function in the database made from the
   model's own SQL; written only where it differs from the one that is there. #}
{% macro install_compute_function() -%}
    {%- set sql = compute_function() -%}
    {%- set function = compute_function_name() -%}
    {%- set installed = run_query(
        "select obj_description(to_regprocedure('" ~ function ~ "'), 'pg_proc')"
    )[0][0] -%}
    {%- if installed != local_md5(sql) %}
        {{ sql }}
        revoke all on function {{ function }} from public;
        comment on function {{ function }} is '{{ local_md5(sql) }}';
    {%- endif -%}
{%- endmacro %}
