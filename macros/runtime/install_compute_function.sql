{# The summary table's refresh, as a function in the database made from the
   model's own SQL; written only where it differs from the one that is there, whose
   comment has the hash of its SQL. #}
{% macro install_compute_function(installed) -%}
    {%- set sql = compute_function() -%}
    {%- if installed != local_md5(sql) %}
        {%- set function = compute_function_name() %}
        {{ sql }}
        revoke all on function {{ function }} from public;
        comment on function {{ function }} is '{{ local_md5(sql) }}';
    {%- endif -%}
{%- endmacro %}
