{# The tables behind every refresh. #}
{% macro runtime_tables() %}
create schema if not exists orchestrator;
create schema if not exists analytics;
revoke all on schema orchestrator from public;

do $$
begin
    if to_regtype('analytics.money_amount') is null then
        create domain analytics.money_amount as numeric(14, 2);
    end if;
end
$$;

create table if not exists orchestrator.models (
    model text primary key,
    relation text not null,
    calendar text not null,
    tenant text,
    cadence jsonb not null,
    upstream text [] not null,
    sources text [] not null,
    definition text,
    refreshed_through timestamptz
);
alter table orchestrator.models
add column if not exists lookback interval,
add column if not exists is_published boolean not null default true,
add column if not exists grain text not null default 'day',
add column if not exists jobs text [] not null default '{}',
add column if not exists functions jsonb not null default '{}',
add column if not exists charts jsonb not null default '[]',
add column if not exists next_turn timestamptz,
add column if not exists retention interval,
add column if not exists contract jsonb,
add column if not exists foreign_keys jsonb not null default '[]',
add column if not exists has_versions boolean not null default false,
add column if not exists project text;
comment on column orchestrator.models.project is
'A hash of the project''s files as they were when `orchestrator` last built the '
'table; where they are others now, it is due.';
comment on column orchestrator.models.contract is
'The contract that the table was last brought to: a hash of what was declared, one of '
'what the table was then, and the constraints and indexes that it made.';
comment on column orchestrator.models.next_turn is
'Until when time alone brings nothing to compute; null: it may at any moment.';
comment on table orchestrator.models is
'What the project declares of each summary table, and up to when it is '
'refreshed. One row per summary table.';

create table if not exists orchestrator.views (
    relation text primary key,
    compiled text not null,
    definition text not null
);
comment on table orchestrator.views is
'The views that summary tables read, as the last build left them: the hash of '
'the SQL that dbt compiled, and of what the database made of it. One row per view.';

-- A queue that was broken is made again: what it held is not known, so everything is
-- requested. (Here, as the table of the models is there before it.)
do $$
declare
    is_broken constant boolean :=
        to_regclass('orchestrator.refresh_queue') is null
        and exists (select from orchestrator.models)
        or exists (
            select from unnest(array[
                'model', 'id', 'tenant', 'period', 'reason', 'requested_at'
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
create table if not exists orchestrator.refresh_queue (
    model text not null,
    id bigint generated always as identity,
    tenant uuid,
    period tstzrange,
    reason text not null,
    requested_at timestamptz not null default clock_timestamp()
);
comment on table orchestrator.refresh_queue is
'Requests to recompute a summary table: of a tenant (null: all) over a time '
'(null: all). Appended by anyone, taken by the refresh that serves them.';

-- Without a unique key: a number that comes twice, as after a restore, is no reason
-- to refuse an application's row.
do $$
begin
    -- An application that writes waits for this, so only where it is to be done.
    if not exists (
        select from pg_attribute
        where
            attrelid = 'orchestrator.refresh_queue'::regclass
            and attname = 'source_rows'
    ) then
        alter table orchestrator.refresh_queue
        drop constraint if exists refresh_queue_pkey,
        add column if not exists at_once boolean not null default false,
        add column if not exists is_named boolean not null default true,
        add column if not exists is_build boolean not null default false,
        add column if not exists backlog smallint not null default 0,
        add column if not exists source text,
        add column if not exists source_rows jsonb,
        set (
            autovacuum_vacuum_scale_factor = 0,
            autovacuum_vacuum_threshold = 10000
        );
    end if;
end
$$;
insert into orchestrator.refresh_queue (model, reason)
select model, 'queue restored'
from orchestrator.models
where current_setting('orchestrator.queue_is_broken') = 'true';
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
create index if not exists refresh_queue_model_backlog_id
on orchestrator.refresh_queue (model, backlog, id desc);
create index if not exists refresh_queue_at_once
on orchestrator.refresh_queue (model) where at_once;

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
    invocation text
);
alter table orchestrator.job_runs
add column if not exists changed tstzmultirange,
add column if not exists changed_tenants uuid [],
add column if not exists backend_pid integer default pg_backend_pid(),
add column if not exists is_isolated boolean not null default false;
comment on column orchestrator.job_runs.is_isolated is
'Whether an error is of the tenants, or periods, that are in quarantine for it.';
create index if not exists job_runs_job_started_at
on orchestrator.job_runs (job, started_at desc);
create index if not exists job_runs_running
on orchestrator.job_runs (job) where status = 'running';
comment on table orchestrator.job_runs is
'Every run of every job. One row per run.';
comment on column orchestrator.job_runs.changed is
'The time in which the rows lie that the run changed; null: everything.';
comment on column orchestrator.job_runs.changed_tenants is
'Whose rows the run changed; null: nobody''s in particular, or too many to name.';

create table if not exists orchestrator.alert_incidents (
    id bigint generated always as identity primary key,
    model text not null,
    kind text not null,
    message text not null,
    opened_at timestamptz not null default clock_timestamp(),
    closed_at timestamptz
);
alter table orchestrator.alert_incidents
add column if not exists subject text not null default '',
drop constraint if exists alert_incidents_kind_check,
add constraint alert_incidents_kind_check check (
    kind in (
        'failing', 'stale', 'drift', 'quarantine', 'clock', 'data', 'capture',
        'hidden'
    )
);
comment on column orchestrator.alert_incidents.subject is
'What of the table it is about, such as a tenant; empty: all of it.';
drop index if exists orchestrator.alert_incidents_open;
create unique index if not exists alert_incidents_open_subject
on orchestrator.alert_incidents (model, kind, subject) where closed_at is null;
comment on table orchestrator.alert_incidents is
'What went wrong for longer than once. One row per model, kind and time it '
'happened; closed by itself when it is over.';

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
    tenant uuid,
    first_day date not null,
    last_day date not null,
    next_day date not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create unique index if not exists backfills_open
on orchestrator.backfills (
    model, coalesce(tenant, '00000000-0000-0000-0000-000000000000'),
    first_day, last_day
)
where finished_at is null;
comment on table orchestrator.backfills is
'How far each backfill is, so that one that was interrupted goes on where it '
'was. One row per backfill.';
{% endmacro %}
