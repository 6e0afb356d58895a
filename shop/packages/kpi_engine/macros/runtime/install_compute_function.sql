{# The summary table's refresh, as functions in the database made from the model's
   own SQL; written only where they differ from those that are there, whose comment
   has the hash of their SQL. #}
{% macro install_compute_function(installed) -%}
    {%- set sql = kpi_engine.compute_function() -%}
    {%- if installed != local_md5(sql) %}
        {{ sql }}
        revoke all on function
        {{ kpi_engine.claim_function_name() }}, {{ kpi_engine.compute_function_name() }} from public;
        comment on function {{ kpi_engine.claim_function_name() }} is
        'Claims the periods that the requests of {{ model.name }} ask.';
        comment on function {{ kpi_engine.compute_function_name() }} is '{{ local_md5(sql) }}';
    {%- endif -%}
{%- endmacro %}
