{# Post-hook of a summary table, in the transaction that wrote it: give a new table
   its foreign keys, close the run, shut the table to clients, and leave the same
   SQL as a function (but not that of `--empty`, which reads nothing). #}
{% macro publish() -%}
    {%- if execute and is_summary(model) -%}
        {%- set present = run_query("
            select
                exists (
                    select from pg_constraint
                    where
                        contype = 'f'
                        and conrelid = '" ~ this.include(database=false) ~ "'::regclass
                ),
                obj_description(
                    to_regprocedure('" ~ compute_function_name() ~ "'), 'pg_proc'
                )
        ")[0] -%}
        {%- if not present[0] -%}
            {{ add_foreign_keys() }}
        {%- endif -%}
        select orchestrator.end_refresh('{{ model.name }}');
        {{ protect_table() }}
        {%- if not flags.EMPTY %}
            {{ install_compute_function(present[1]) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
