{# On-run-start: the schemas, tables and functions that a refresh needs. Does
   nothing where the database has them as they are written here. #}
{% macro install_runtime() -%}
    {%- if execute -%}
        {%- set sql = [
            runtime_tables(),
            runtime_access(),
            runtime_clock(),
            runtime_queue(),
            runtime_sources(),
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
            runtime_contract(),
            runtime_table_differences(),
            runtime_schema_differences(),
            runtime_protection(),
            runtime_cron(),
        ] | join('\n') -%}
        {%- set version = 'kpi_summaries runtime ' ~ local_md5(sql) -%}
        {%- if not _is_installed(version) -%}
            select pg_advisory_xact_lock(hashtext('orchestrator install'));
            {{ sql }}
            do $$
            begin
                execute format(
                    'comment on schema orchestrator is %L',
                    '{{ version }} ' || ({{ _runtime_fingerprint() }})
                );
            end
            $$;
            commit;
            begin;
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Whether this version was the last to be installed, and is as it left it. #}
{% macro _is_installed(version) -%}
    {%- do return(run_query(
        "select obj_description(to_regnamespace('orchestrator'), 'pg_namespace') = '"
        ~ version ~ " ' || (" ~ _runtime_fingerprint() ~ ")"
    )[0][0]) -%}
{%- endmacro %}

{# A hash of the runtime's tables and functions as the database has them; not of what
   belongs to models and source tables. #}
{% macro _runtime_fingerprint() -%}
    select md5(string_agg(part, ',' order by part))
    from (
        select concat_ws(
            ' ', pg_class.relname, pg_attribute.attname, pg_attribute.atttypid
        ) as part
        from pg_class
        inner join pg_attribute
            on attrelid = pg_class.oid and attnum > 0 and not attisdropped
        where
            relnamespace = to_regnamespace('orchestrator')
            and relkind in ('r', 'S')
            and relname = any(array[
                'models', 'views', 'refresh_queue', 'job_runs', 'alert_incidents',
                'lost_captures', 'uncounted_captures', 'known_uncounted_captures',
                'notices', 'backfills', 'quarantine', 'access', 'access_functions',
                'sources', 'source_versions'
            ])
        union all
        select concat_ws(' ', proname, proargtypes::text, md5(prosrc))
        from pg_proc
        where
            pronamespace = to_regnamespace('orchestrator')
            and proname !~ '^(capture|request|claim|compute|read)_'
    ) as parts
{%- endmacro %}
