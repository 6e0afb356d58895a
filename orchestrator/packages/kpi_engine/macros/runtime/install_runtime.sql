{# On-run-start: the schemas, tables and functions that a refresh needs. Does
   nothing where the database has them as they are written here. #}
{% macro install_runtime() -%}
    {%- if execute -%}
        {%- set sql = [
            kpi_engine.runtime_tables(),
            kpi_engine.runtime_access(),
            kpi_engine.runtime_clock(),
            kpi_engine.runtime_queue(),
            kpi_engine.runtime_sources(),
            kpi_engine.runtime_isolation(),
            kpi_engine.runtime_pauses(),
            kpi_engine.runtime_refresh(),
            kpi_engine.runtime_views(),
            kpi_engine.runtime_status(),
            kpi_engine.runtime_charts(),
            kpi_engine.runtime_schedule(),
            kpi_engine.runtime_watch(),
            kpi_engine.runtime_backfill(),
            kpi_engine.runtime_audit(),
            kpi_engine.runtime_functions(),
            kpi_engine.runtime_freshness(),
            kpi_engine.runtime_declarations(),
            kpi_engine.runtime_contract(),
            kpi_engine.runtime_table_differences(),
            kpi_engine.runtime_schema_differences(),
            kpi_engine.runtime_protection(),
            kpi_engine.runtime_cron(),
        ] | join('\n') -%}
        {%- set sql = kpi_engine.in_schemas(sql) -%}
        {%- set version = 'kpi_engine runtime ' ~ local_md5(sql) -%}
        {%- if not kpi_engine._is_installed(version) -%}
            select pg_advisory_xact_lock(hashtext('orchestrator install'));
            {{ kpi_engine.in_schemas(kpi_engine.runtime_schemas()) }}
            {{ kpi_engine.in_schemas(kpi_engine.pending_migrations()) }}
            {{ sql }}
            {{ kpi_engine._function_comments(sql) }}
            do $$
            begin
                execute format(
                    'comment on schema {{ kpi_engine.runtime_schema() }} is %L',
                    {{ kpi_engine._installation(version) }}
                );
            end
            $$;
            commit;
            begin;
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# What a psql user reads of each function: the comment above it in its SQL, unless that
   comments on it itself. #}
{% macro _function_comments(sql) -%}
    {%- set comments = {} -%}
    {%- for lines, name in modules.re.findall(
        '((?:^-- .*\n)+)create or replace (?:function|procedure) ([\w.]+)', sql,
        modules.re.MULTILINE
    ) if 'comment on function ' ~ name ~ '(' not in sql -%}
        {%- do comments.update({
            name: modules.re.sub('^-- ', '', lines, flags=modules.re.MULTILINE)
                | replace('\n', ' ') | trim
        }) -%}
    {%- endfor %}
    do $$
    declare
        described record;
    begin
        for described in
            select pg_proc.oid::regprocedure as name, comments.value as comment
            from jsonb_each_text({{ kpi_engine.literal(tojson(comments)) }}) as comments
            inner join pg_proc
                on format('%s.%s', pronamespace::regnamespace, proname) = comments.key
        loop
            execute format('comment on routine %s is %L', described.name, described.comment);
        end loop;
    end
    $$;
{%- endmacro %}

{# Whether this version was the last to be installed, and is as it left it. #}
{% macro _is_installed(version) -%}
    {%- do return(run_query(
        "select obj_description(to_regnamespace('" ~ kpi_engine.runtime_schema()
        ~ "'), 'pg_namespace') = " ~ kpi_engine._installation(version)
    )[0][0]) -%}
{%- endmacro %}

{# The comment on the runtime's schema, as an expression: what is installed, and for
   which target, by which `orchestrator` finds it. #}
{% macro _installation(version) -%}
    '{{ version }} ' || ({{ kpi_engine._runtime_fingerprint() }}) || ' '
    || {{ kpi_engine.literal(tojson({
        'target_schema': target.schema,
        'published_schema': kpi_engine.published_schema(),
        'migrations': kpi_engine.migrations() | length,
    })) }}
{%- endmacro %}

{# A hash of the runtime's tables and functions as the database has them; not of what
   belongs to models and source tables. #}
{% macro _runtime_fingerprint() -%}
    select md5(string_agg(part, ',' order by part))
    from (
        select concat_ws(
            ' ', pg_class.relname, pg_attribute.attname,
            format_type(pg_attribute.atttypid, pg_attribute.atttypmod)
        ) as part
        from pg_class
        inner join pg_attribute
            on attrelid = pg_class.oid and attnum > 0 and not attisdropped
        where
            relnamespace = to_regnamespace('{{ kpi_engine.runtime_schema() }}')
            and relkind in ('r', 'S', 'c')
            and relname = any(array[
                'models', 'views', 'refresh_queue', 'job_runs', 'alert_incidents',
                'lost_captures', 'uncounted_captures', 'known_uncounted_captures',
                'notices', 'backfills', 'quarantine', 'access', 'access_functions',
                'sources', 'source_versions', 'migrations', 'pauses', 'claimed_request',
                'changed_period', 'refresh_result'
            ])
        union all
        select concat_ws(' ', pg_proc.oid::regprocedure, md5(prosrc))
        from pg_proc
        where
            pronamespace = to_regnamespace('{{ kpi_engine.runtime_schema() }}')
            and proname !~ '^(capture|request|claim|compute|read)_'
    ) as parts
{%- endmacro %}
