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
alter table orchestrator.models add column if not exists lookback interval;
comment on table orchestrator.models is
'What the project declares of each summary table, and up to when it is '
'refreshed. One row per summary table.';

create table if not exists orchestrator.refresh_queue (
    model text not null,
    id bigint generated always as identity,
    tenant uuid,
    period tstzrange,
    reason text not null,
    requested_at timestamptz not null default clock_timestamp(),
    primary key (model, id)
);
comment on table orchestrator.refresh_queue is
'Requests to recompute a summary table: of a tenant (null: all) over a time '
'(null: all). Appended by anyone, taken by the refresh that serves them.';

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
create index if not exists job_runs_job_started_at
on orchestrator.job_runs (job, started_at desc);
create index if not exists job_runs_running
on orchestrator.job_runs (job) where status = 'running';
comment on table orchestrator.job_runs is
'Every run of every job. One row per run.';
{% endmacro %}
