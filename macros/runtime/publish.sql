{# Post-hook of a summary table, in the transaction that wrote it: give a new table
   its foreign keys, close the run, shut the table to clients, and leave the same
   SQL as a function (but not that of `--empty`, which reads nothing). #}
{% macro publish() -%}
    {%- if execute and is_summary(model) -%}
        {{ add_foreign_keys() }}
        select orchestrator.end_refresh('{{ model.name }}');
        {{ protect_table() }}
        {%- if not flags.EMPTY %}
            {{ install_compute_function() }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
