{# The changes of the runtime's tables since the first version, in order: each is run
   once, in the transaction that installs the runtime, in a database that an earlier
   version made. A new database has none to run. Functions need none: they are created
   or replaced, but for one whose arguments' names or result change, which its migration
   drops. What was released is never edited: a change is a new migration, here and in
   `migrations`. #}
{% macro migrations() -%}
    {%- do return([
        kpi_engine._migration_1(), kpi_engine._migration_2(), kpi_engine._migration_3()
    ]) -%}
{%- endmacro %}

{# The statements that bring an installed runtime's tables to those of this version;
   fails where a later version has installed it. #}
{% macro pending_migrations() -%}
    {%- set migrations = kpi_engine.migrations() -%}
    {%- set applied = kpi_engine._applied_migrations() -%}
    {%- if applied > migrations | length -%}
        {%- do exceptions.raise_compiler_error(
            "The database was installed by a later version: it has had migration "
            ~ applied ~ ", and this version knows " ~ migrations | length
            ~ ". Upgrade kpi_engine, which is " ~ kpi_engine.version() ~ "."
        ) -%}
    {%- endif -%}
    {{ migrations[applied:] | join('\n') }}
{%- endmacro %}

{# The number of the last migration that the database has had. #}
{% macro _applied_migrations() -%}
    {%- set schema = kpi_engine.runtime_schema() -%}
    {%- set found = run_query(
        "select to_regclass('" ~ schema ~ ".models') is null,"
        ~ " to_regclass('" ~ schema ~ ".migrations') is not null"
    )[0] -%}
    {%- if found[0] -%}
        {%- do return(kpi_engine.migrations() | length) -%}
    {%- elif not found[1] -%}
        {%- do return(0) -%}
    {%- endif -%}
    {#- A restore without data has none on record; the schema's comment says so, too. -#}
    {%- do return(run_query("
        select coalesce(
            max(number),
            (
                substring(obj_description(to_regnamespace('" ~ schema ~ "'), 'pg_namespace')
                from '\"migrations\": ([0-9]+)')
            )::integer,
            0
        )
        from " ~ schema ~ ".migrations
    ")[0][0]) -%}
{%- endmacro %}

{# The version of the engine. #}
{% macro version() -%}
    {%- do return('0.1.0') -%}
{%- endmacro %}

{# From any version before 0.1.0: all that these lacked; and tenants' ids are text, which
   any type of key can be. #}
{% macro _migration_1() %}
do $$
declare
    renamed record;
begin
    for renamed in
        select attrelid::regclass as relation, attname, name
        from pg_attribute
        inner join (
            values
            ('orchestrator.models', 'next_turn', 'next_rollover'),
            ('orchestrator.refresh_queue', 'at_once', 'immediate')
        ) as names (relation, old_name, name)
            on attrelid = to_regclass(relation) and attname = old_name
        where not attisdropped
    loop
        execute format(
            'alter table %s rename column %I to %I',
            renamed.relation, renamed.attname, renamed.name
        );
    end loop;
end
$$;
drop index if exists orchestrator.refresh_queue_at_once;
alter table orchestrator.models
add column if not exists lookback interval,
add column if not exists is_published boolean not null default true,
add column if not exists grain text not null default 'day',
add column if not exists jobs text [] not null default '{}',
add column if not exists functions jsonb not null default '{}',
add column if not exists charts jsonb not null default '[]',
add column if not exists next_rollover timestamptz,
add column if not exists retention interval,
add column if not exists contract jsonb,
add column if not exists foreign_keys jsonb not null default '[]',
add column if not exists has_versions boolean not null default false,
add column if not exists project text,
add column if not exists tenant_type text not null default 'uuid';
alter table orchestrator.models alter column tenant_type set default 'text';

alter table if exists orchestrator.refresh_queue
drop constraint if exists refresh_queue_pkey,
add column if not exists immediate boolean not null default false,
add column if not exists is_named boolean not null default true,
add column if not exists is_build boolean not null default false,
add column if not exists backlog smallint not null default 0,
add column if not exists source text,
add column if not exists source_rows jsonb,
alter column tenant type text,
set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

alter table if exists orchestrator.job_runs
add column if not exists changed tstzmultirange,
add column if not exists changed_tenants text [],
add column if not exists backend_pid integer default pg_backend_pid(),
add column if not exists is_isolated boolean not null default false;
alter table if exists orchestrator.job_runs
alter column changed_tenants type text [];

alter table if exists orchestrator.alert_incidents
add column if not exists subject text not null default '',
drop constraint if exists alert_incidents_kind_check,
add constraint alert_incidents_kind_check check (
    kind in (
        'failing', 'stale', 'drift', 'quarantine', 'clock', 'data', 'capture',
        'hidden'
    )
);
drop index if exists orchestrator.alert_incidents_open;

drop index if exists orchestrator.quarantine_model_tenant_starts_at;
alter table if exists orchestrator.quarantine alter column tenant type text;
drop index if exists orchestrator.backfills_open;
alter table if exists orchestrator.backfills alter column tenant type text;

alter table if exists orchestrator.access
add column if not exists tenant_type text;

drop view if exists analytics.data_freshness;
drop function if exists
orchestrator.request(text, uuid, date, date, text),
orchestrator.request(text, uuid, date, date, text, boolean),
orchestrator.check_asked(text, uuid, date, date),
orchestrator.begin_refresh(text, text, text, text, text),
orchestrator.begin_refresh(text, text, text, text, text, tstzrange),
orchestrator.refresh(text, text),
orchestrator.refresh(text, text, text),
orchestrator.drop_view(regclass),
orchestrator.close_dead_runs(),
orchestrator.open_incident(text, text, text),
orchestrator.close_incident(text, text, text),
orchestrator.begin_backfill(text, uuid, date, date),
orchestrator.given(uuid),
orchestrator.compute(text, uuid, date, date),
orchestrator.compute_group(text, text, uuid, date, date, integer),
analytics.freshness_for_caller(),
orchestrator.tenants_of(text, boolean),
orchestrator.caller_id();
do $$
begin
    -- Those of which an argument is a row of a table, which may not be there yet.
    if to_regclass('orchestrator.models') is not null then
        drop function if exists
        orchestrator.touched(timestamptz, timestamptz),
        orchestrator.touched(timestamp, timestamp),
        orchestrator.touched(date, date),
        orchestrator.touched(date, timestamptz),
        orchestrator.stray_differences(),
        orchestrator.take_due(),
        orchestrator.take_requests(text),
        orchestrator.compute_tenants(orchestrator.models, uuid [], boolean),
        orchestrator.put_back(orchestrator.models, uuid, timestamptz),
        orchestrator.hold(orchestrator.models, uuid, timestamptz, text, text),
        orchestrator.release(text, uuid, timestamptz);
    end if;
end
$$;
{% endmacro %}

{# Requests and what they change go from function to function as values, and the periods
   of a refresh into a table that stays. #}
{% macro _migration_2() %}
drop function if exists
orchestrator.create_work_tables(),
orchestrator.drop_work_tables(),
orchestrator.begin_refresh(text, text, text, text, text, tstzrange, boolean),
orchestrator.end_refresh(text),
orchestrator.claim_requests(text),
orchestrator.claim_and_compute(text);
do $$
declare
    outdated record;
begin
    if to_regclass('orchestrator.models') is null then
        return;
    end if;
    drop function if exists
    orchestrator.go_back(orchestrator.models, timestamptz),
    orchestrator.leave_the_rest(orchestrator.models),
    orchestrator.note_early_rows(orchestrator.models, timestamptz),
    orchestrator.compute_requested(orchestrator.models),
    orchestrator.compute_tenants(orchestrator.models, text [], boolean),
    orchestrator.compute_periods(orchestrator.models, timestamptz []),
    orchestrator.isolate_tenants(orchestrator.models),
    orchestrator.isolate_periods(orchestrator.models),
    orchestrator.put_back(orchestrator.models, text, timestamptz),
    orchestrator.hold(orchestrator.models, text, timestamptz, text, text);
    for outdated in
        select pg_proc.oid::regprocedure as name
        from orchestrator.models
        inner join pg_proc
            on proname = 'claim_' || models.model
            and pronamespace = to_regnamespace('orchestrator')
            and pronargs = 0
    loop
        execute format('drop function %s', outdated.name);
    end loop;
end
$$;
{% endmacro %}

{# An incident of its own for a session that holds a refresh's lock and does nothing;
   charts of one tenant. #}
{% macro _migration_3() %}
drop function if exists orchestrator.chart_points();
alter table if exists orchestrator.alert_incidents
drop constraint if exists alert_incidents_kind_check,
add constraint alert_incidents_kind_check check (
    kind in (
        'failing', 'stale', 'drift', 'quarantine', 'clock', 'data', 'capture',
        'hidden', 'stuck'
    )
);
{% endmacro %}
