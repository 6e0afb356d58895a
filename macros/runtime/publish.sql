{# Post-hook of a summary table, in the transaction that wrote it: close the
   run, shut the table to clients, and leave the same SQL as a function. #}
{% macro publish() -%}
    {%- if execute and is_summary(model) -%}
        select orchestrator.end_refresh('{{ model.name }}');
        {{ protect_table() }}
        {%- if not is_partial_run() %}
            {{ install_compute_function() }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
