{# `dbt run-operation install`: what a build does before its first model, for
   all models: runtime, declarations, triggers. Logs each preparation that had
   something to do; with `dry_run` its SQL, of which nothing stays. #}
{% macro install(dry_run=false) -%}
    {#- The adapter has just said `commit`, after which each statement would
        commit by itself. -#}
    {%- do run_query('begin') -%}
    {%- for name, step in kpi_engine.preparations().items() -%}
        {%- do kpi_engine.wait_for_lock("hashtext('orchestrator install')") -%}
        {%- set rendered = step() -%}
        {%- set sql = modules.re.sub(
            '\\bcommit;\\s*begin;', '', rendered
        ).strip() -%}
        {%- if sql and name == 'capture_changes' -%}
            {#- Each table by itself, and in rehearsal none: the application's
                writers would wait for all of them. -#}
            {%- do kpi_engine._log_installed(name, sql) -%}
            {%- if not dry_run -%}
                {%- do run_query(rendered) -%}
            {%- endif -%}
        {%- elif sql -%}
            {%- set before = kpi_engine._rows_written() -%}
            {%- do run_query(sql) -%}
            {%- if kpi_engine._rows_written() != before -%}
                {%- do kpi_engine._log_installed(name, sql) -%}
            {%- endif -%}
            {%- if not dry_run -%}
                {%- do run_query('commit; begin;') -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do run_query('rollback') -%}
{%- endmacro %}

{# How many rows this transaction has written, those of the catalog included:
   nothing but this tells a statement that found all as it should be. #}
{% macro _rows_written() -%}
    {%- do return(run_query(
        "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)"
        ~ " from pg_stat_xact_all_tables"
    )[0][0]) -%}
{%- endmacro %}

{% macro _log_installed(name, sql) -%}
    {%- do log('orchestrator installed ' ~ tojson({'hook': name, 'sql': sql})) -%}
{%- endmacro %}
