{# The schemas that everything is in. #}
{% macro runtime_schemas() %}
create schema if not exists orchestrator;
create schema if not exists analytics;
revoke all on schema orchestrator from public;
{% endmacro %}

{# The tables behind every refresh, as this version has them. A database that an
   earlier version made is brought to them by the migrations before. #}
{% macro runtime_tables() %}
create table if not exists orchestrator.migrations (
    number integer primary key,
    applied_at timestamptz not null default clock_timestamp()
);
comment on table orchestrator.migrations is
'Which changes of these tables the database has had. One row per migration.';
insert into orchestrator.migrations (number)
select number from generate_series(1, {{ kpi_engine.migrations() | length }}) as number
on conflict do nothing;

-- What the parts of a refresh hand on to each other.
do $$
begin
    if to_regtype('orchestrator.claimed_request') is null then
        create type orchestrator.claimed_request as (
            tenant text,
            period tstzrange,
            since timestamptz,
            is_named boolean,
            is_whole boolean,
            is_build boolean,
            backlog integer,
            requested_at timestamptz
        );
        create type orchestrator.changed_period as (
            tenant text,
            starts_at timestamptz,
            ends_at timestamptz,
            row_count bigint
        );
        create type orchestrator.refresh_result as (
            periods bigint,
            changed orchestrator.changed_period [],
            has_succeeded boolean,
            held integer,
            has_failed boolean,
            message text
        );
    end if;
end
$$;
comment on type orchestrator.claimed_request is
'A request that a refresh serves: of a tenant (null: all) and a time (null: all); with '
'`since` it is the clock''s, for what has begun or ended after that. It names its '
'tenant itself unless `is_named` is false; `is_whole` is the newest part of one for '
'all time, above zero `backlog` the rest of a longer one, `is_build` a first build''s.';
comment on type orchestrator.changed_period is
'A period whose rows a refresh has changed, and how many.';
comment on type orchestrator.refresh_result is
'What a refresh has computed: periods, changes, how many tenants or periods it has set '
'aside, and what it says of them.';

create table if not exists orchestrator.models (
    model text primary key,
    relation text not null,
    calendar text not null,
    tenant text,
    tenant_type text not null default 'text',
    cadence jsonb not null,
    upstream text [] not null,
    sources text [] not null,
    definition text,
    refreshed_through timestamptz,
    lookback interval,
    is_published boolean not null default true,
    grain text not null default 'day',
    jobs text [] not null default '{}',
    functions jsonb not null default '{}',
    charts jsonb not null default '[]',
    next_rollover timestamptz,
    retention interval,
    contract jsonb,
    foreign_keys jsonb not null default '[]',
    has_versions boolean not null default false,
    project text
);
comment on table orchestrator.models is
'What the project declares of each summary table, and up to when it is '
'refreshed. One row per summary table.';
comment on column orchestrator.models.tenant_type is
'The type of a tenant''s id; the runtime''s own tables keep it as text.';
comment on column orchestrator.models.project is
'A hash of the project''s files as they were when `orchestrator` last built the '
'table; where they are others now, it is due.';
comment on column orchestrator.models.contract is
'The contract that the table was last brought to: a hash of what was declared, one of '
'what the table was then, and the constraints and indexes that it made.';
comment on column orchestrator.models.next_rollover is
'Until when time alone brings nothing to compute; null: it may at any moment.';

create table if not exists orchestrator.views (
    relation text primary key,
    compiled text not null,
    definition text not null
);
comment on table orchestrator.views is
'The views that summary tables read, as the last build left them: the hash of '
'the SQL that dbt compiled, and of what the database made of it. One row per view.';

-- A queue that was broken is made again: what it held is not known, so everything is
-- requested.
do $$
declare
    is_broken constant boolean :=
        to_regclass('orchestrator.refresh_queue') is null
        and exists (select from orchestrator.models)
        or exists (
            select from unnest(array[
                'model', 'id', 'tenant', 'period', 'reason', 'requested_at',
                'immediate', 'is_named', 'is_build', 'backlog', 'source', 'source_rows'
            ]) as needed
            where
                to_regclass('orchestrator.refresh_queue') is not null
                and not exists (
                    select from pg_attribute
                    where
                        attrelid = to_regclass('orchestrator.refresh_queue')
                        and attname = needed
                        and not attisdropped
                )
        );
begin
    perform set_config('orchestrator.queue_is_broken', is_broken::text, true);
    if is_broken then
        drop table if exists orchestrator.refresh_queue cascade;
    end if;
end
$$;

-- Without a unique key: a number that comes twice, as after a restore, is no reason
-- to refuse an application's row.
create table if not exists orchestrator.refresh_queue (
    model text not null,
    id bigint generated always as identity,
    tenant text,
    period tstzrange,
    reason text not null,
    requested_at timestamptz not null default clock_timestamp(),
    immediate boolean not null default false,
    is_named boolean not null default true,
    is_build boolean not null default false,
    backlog smallint not null default 0,
    source text,
    source_rows jsonb
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
insert into orchestrator.refresh_queue (model, reason)
select model, 'queue restored'
from orchestrator.models
where current_setting('orchestrator.queue_is_broken') = 'true';
create index if not exists refresh_queue_model_backlog_id
on orchestrator.refresh_queue (model, backlog, id desc);
create index if not exists refresh_queue_immediate
on orchestrator.refresh_queue (model) where immediate;
comment on table orchestrator.refresh_queue is
'Requests to recompute a summary table: of a tenant (null: all) over a time '
'(null: all). Appended by anyone, taken by the refresh that serves them.';
comment on column orchestrator.refresh_queue.is_named is
'Whether the request names its tenant itself; else it is of one of all.';
comment on column orchestrator.refresh_queue.is_build is
'Whether the request is of a first build, which gives tenants that are not active '
'any more all their periods.';
comment on column orchestrator.refresh_queue.source_rows is
'Columns of rows of the source table `source`, by which what they touch is to be '
'looked up when the request is taken.';
comment on column orchestrator.refresh_queue.backlog is
'Above zero: the rest of a request that was too long for one transaction.';

create table if not exists orchestrator.pauses (
    model text primary key,
    until timestamptz not null,
    reason text not null,
    paused_at timestamptz not null default clock_timestamp(),
    paused_by text not null default session_user
);
comment on table orchestrator.pauses is
'Summary tables that are left as they are for a while (*: every one), and why. One '
'row per table; over once `until` has passed.';

create table if not exists orchestrator.quarantine (
    model text not null,
    tenant text,
    starts_at timestamptz,
    reason text not null,
    attempts integer not null default 1,
    since timestamptz not null default clock_timestamp(),
    retry_at timestamptz not null
);
create unique index if not exists quarantine_model_tenant_starts_at
on orchestrator.quarantine (model, tenant, starts_at) nulls not distinct;
comment on table orchestrator.quarantine is
'Tenants, and periods of tables without tenants, whose refresh fails while others '
'succeed. They keep their rows and their requests, and are tried again, with '
'backoff. One row per model and tenant or period.';

create table if not exists orchestrator.job_runs (
    id bigint generated always as identity primary key,
    job text not null,
    executor text not null,
    reason text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    duration interval generated always as (finished_at - started_at) stored,
    status text not null default 'running'
    check (status in ('running', 'success', 'error', 'skipped')),
    periods integer,
    rows_changed integer,
    error_message text,
    invocation text,
    changed tstzmultirange,
    changed_tenants text [],
    backend_pid integer default pg_backend_pid(),
    is_isolated boolean not null default false
);
create index if not exists job_runs_job_started_at
on orchestrator.job_runs (job, started_at desc);
create index if not exists job_runs_invocation_job
on orchestrator.job_runs (invocation, job);
create index if not exists job_runs_running
on orchestrator.job_runs (job) where status = 'running';
comment on table orchestrator.job_runs is
'Every run of every job. One row per run.';
comment on column orchestrator.job_runs.changed is
'The time in which the rows lie that the run changed; null: everything.';
comment on column orchestrator.job_runs.changed_tenants is
'Whose rows the run changed; null: nobody''s in particular, or too many to name.';
comment on column orchestrator.job_runs.is_isolated is
'Whether an error is of the tenants, or periods, that are in quarantine for it.';

create table if not exists orchestrator.alert_incidents (
    id bigint generated always as identity primary key,
    model text not null,
    kind text not null check (
        kind in (
            'failing', 'stale', 'drift', 'quarantine', 'clock', 'data', 'capture',
            'hidden', 'stuck'
        )
    ),
    message text not null,
    opened_at timestamptz not null default clock_timestamp(),
    closed_at timestamptz,
    subject text not null default ''
);
create unique index if not exists alert_incidents_open_subject
on orchestrator.alert_incidents (model, kind, subject) where closed_at is null;
comment on table orchestrator.alert_incidents is
'What went wrong for longer than once. One row per model, kind and time it '
'happened; closed by itself when it is over.';
comment on column orchestrator.alert_incidents.subject is
'What of the table it is about, such as a tenant; empty: all of it.';

-- Where captures that fail are noted. Nothing here may refuse a row.
create table if not exists orchestrator.lost_captures (
    relation text,
    reason text,
    lost_at timestamptz default clock_timestamp()
);
comment on table orchestrator.lost_captures is
'Changes of source tables for which no request could be made. One row per '
'statement; gone once the requests are made up for.';
create sequence if not exists orchestrator.uncounted_captures;
comment on sequence orchestrator.uncounted_captures is
'How many changes could not even be noted in lost_captures.';
create table if not exists orchestrator.known_uncounted_captures (number bigint);
comment on table orchestrator.known_uncounted_captures is
'How many of uncounted_captures have been made up for. One row.';

create table if not exists orchestrator.notices (
    id bigint generated always as identity primary key,
    incident_id bigint not null
    references orchestrator.alert_incidents on delete cascade,
    event text not null check (event in ('opened', 'closed')),
    payload jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default clock_timestamp(),
    delivered_at timestamptz,
    last_error text
);
create index if not exists notices_incident_id
on orchestrator.notices (incident_id);
create index if not exists notices_undelivered
on orchestrator.notices (next_attempt_at) where delivered_at is null;
comment on table orchestrator.notices is
'The outbox of the webhook: what is to be posted of the incidents, and what '
'was. One row per opening and closing.';

create table if not exists orchestrator.backfills (
    id bigint generated always as identity primary key,
    model text not null,
    tenant text,
    first_day date not null,
    last_day date not null,
    next_day date not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create unique index if not exists backfills_open
on orchestrator.backfills (model, tenant, first_day, last_day) nulls not distinct
where finished_at is null;
comment on table orchestrator.backfills is
'How far each backfill is, so that one that was interrupted goes on where it '
'was. One row per backfill.';

create table if not exists orchestrator.sources (
    relation text primary key,
    capture_by text not null check (capture_by in ('triggers', 'lookback', 'version')),
    is_replicated boolean not null default false,
    version_column text,
    overlap interval,
    moments text [] not null default '{}',
    readers text [] not null,
    generated_name text not null,
    installed text,
    table_oid oid,
    partitions jsonb not null default '{}',
    seen text,
    lost_since timestamptz,
    released_at timestamptz
);
comment on table orchestrator.sources is
'The source tables that summary tables read: how their changes are noticed, and what '
'they were when that was last looked at. One row per source table.';
comment on column orchestrator.sources.generated_name is
'What the names of its two functions, capture_… and request_…, end with.';
comment on column orchestrator.sources.installed is
'A hash of the declaration and the functions that were last installed; null: none.';
comment on column orchestrator.sources.partitions is
'Itself, its partitions, and what inherits from it, by oid: the time that the rows of '
'each lie in; null: any.';
comment on column orchestrator.sources.seen is
'Its tables and triggers as they were last seen.';
comment on column orchestrator.sources.lost_since is
'Since when changes go unnoticed; null: they do not.';
comment on column orchestrator.sources.released_at is
'When `orchestrator release` let go of it, until `orchestrator install`.';

create table if not exists orchestrator.source_versions (
    relation text not null,
    model text not null,
    seen_snapshot pg_snapshot,
    seen_version text,
    primary key (relation, model)
);
comment on table orchestrator.source_versions is
'Up to where a summary table has seen a source whose changes are noticed by version. '
'One row per source and summary table.';

create table if not exists orchestrator.access (
    model text primary key,
    relation text not null,
    is_published boolean not null,
    readers text not null,
    tenant text,
    tenant_type text,
    tenants_function text,
    members jsonb,
    roles jsonb not null,
    publication text not null,
    is_replicated boolean not null,
    trusted_roles text [] not null
);
comment on table orchestrator.access is
'Who may read a summary table, as its model declares. One row per summary '
'table.';

create table if not exists orchestrator.access_functions (
    function text primary key,
    declared text,
    installed text,
    definition text
);
comment on table orchestrator.access_functions is
'The functions that say who a caller is and whose rows are theirs: the '
'statement that the models declare, the one that was run, and what it made. One '
'row per function.';

create or replace function orchestrator.version()
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select '{{ kpi_engine.version() }}'
$$;
comment on function orchestrator.version() is
'The version of kpi_engine that is installed.';

-- Whether values of a type are ids of another, of those that an id may have.
create or replace function orchestrator.is_of_type(p_type oid, p_tenant_type text)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when p_tenant_type = 'text'
            then base.oid in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
        when p_tenant_type = 'uuid' then base.oid = 'uuid'::regtype
        else base.oid in ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype)
    end
    from pg_type
    inner join pg_type as base
        on base.oid = coalesce(nullif(pg_type.typbasetype, 0), pg_type.oid)
    where pg_type.oid = p_type
$$;
{% endmacro %}
