{# On-run-start: the schemas, tables and functions that a refresh needs. Does
   nothing where the database has them as they are written here. #}
{% macro install_runtime() -%}
    {%- if execute -%}
        {%- set sql = [
            runtime_tables(),
            runtime_access(),
            runtime_clock(),
            runtime_queue(),
            runtime_isolation(),
            runtime_refresh(),
            runtime_views(),
            runtime_status(),
            runtime_charts(),
            runtime_schedule(),
            runtime_watch(),
            runtime_backfill(),
            runtime_audit(),
            runtime_functions(),
            runtime_freshness(),
            runtime_declarations(),
            runtime_table_differences(),
            runtime_schema_differences(),
            runtime_protection(),
            runtime_cron(),
        ] | join('\n') -%}
        {%- set version = 'kpi_summaries runtime ' ~ local_md5(sql) -%}
        {%- if _installed_version() != version -%}
            select pg_advisory_xact_lock(hashtext('orchestrator install'));
            {{ sql }}
            comment on schema orchestrator is '{{ version }}';
            commit;
            begin;
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _installed_version() -%}
    {%- do return(run_query(
        "select obj_description(to_regnamespace('orchestrator'), 'pg_namespace')"
    )[0][0]) -%}
{%- endmacro %}
