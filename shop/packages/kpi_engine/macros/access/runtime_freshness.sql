{# What an application shows beside its charts: how fresh they are. #}
{% macro runtime_freshness() %}
-- The tenants of a summary table whose rows the caller may read; all of them to
-- whom p_all is true for.
create or replace function orchestrator.tenants_of(p_model text, p_all boolean)
returns setof text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    tenants text;
begin
    select
        case
            when not p_all then format('select %s()::text', access.tenants_function)
            when access.tenant = models.tenant
                then format('select %I::text from %s', models.tenant, models.calendar)
            else format('select distinct %I::text from %s', access.tenant, access.relation)
        end
    into tenants
    from orchestrator.access
    inner join orchestrator.models using (model)
    where model = p_model;
    return query execute tenants;
end
$$;

-- The caller's part of analytics.data_freshness, as the policies have it.
create or replace function analytics.freshness_for_caller()
returns table (
    model text,
    tenant_id text,
    as_of timestamptz,
    checked_at timestamptz,
    next_due timestamptz,
    is_late boolean
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
#variable_conflict use_column
declare
    reads_all constant boolean :=
        orchestrator.is_trusted() or analytics.is_admin();
begin
    return query
    with visible as materialized (
        select
            access.model,
            access.tenants_function,
            models.refreshed_through,
            models.cadence,
            runs.checked_at,
            orchestrator.next_due(models.cadence, {{ kpi_engine.present() }}) as next_due,
            orchestrator.is_late(models.cadence, models.refreshed_through)
                as is_late
        from orchestrator.access
        inner join orchestrator.models using (model)
        left join lateral (
            select max(finished_at) as checked_at
            from orchestrator.job_runs
            where job = access.model and status = 'success'
        ) as runs on true
        where
            access.is_published
            and models.refreshed_through is not null
            and (
                reads_all
                or access.readers = 'authenticated'
                or access.tenants_function is not null
            )
    ),

    waiting as materialized (
        select
            requests.model,
            -- In a table without tenants, all wait for what anyone asked.
            case when visible.tenants_function is not null then requests.tenant
            end as tenant,
            min(requested_at) as since
        from orchestrator.refresh_queue as requests
        inner join visible using (model)
        group by 1, 2
    )

    select
        visible.model,
        tenants.tenant,
        least(visible.refreshed_through, own.since, everybody.since),
        visible.checked_at,
        visible.next_due,
        -- A tenant that fails is as late as what waits for it.
        case
            when held.model is null then visible.is_late
            else visible.is_late or orchestrator.is_late(
                visible.cadence,
                least(visible.refreshed_through, own.since, held.since)
            )
        end
    from visible
    cross join lateral (
        select null::text as tenant
        where visible.tenants_function is null
        union all
        select readable.tenant
        from orchestrator.tenants_of(visible.model, reads_all)
            as readable (tenant)
        where visible.tenants_function is not null
    ) as tenants
    left join waiting as own
        on visible.model = own.model and tenants.tenant = own.tenant
    left join orchestrator.quarantine as held
        on visible.model = held.model and tenants.tenant = held.tenant
    left join waiting as everybody
        on visible.model = everybody.model and everybody.tenant is null
    order by visible.model, tenants.tenant;
end
$$;
comment on function analytics.freshness_for_caller() is
'The rows of analytics.data_freshness.';
revoke all on function analytics.freshness_for_caller() from public;

create or replace view analytics.data_freshness
with (security_invoker = true) as
select model, tenant_id, as_of, checked_at, next_due, is_late
from analytics.freshness_for_caller();
comment on view analytics.data_freshness is
'How fresh each summary table is that the caller may read. One row per summary '
'table, and per tenant where its rows are of tenants.';
comment on column analytics.data_freshness.model is 'The summary table.';
comment on column analytics.data_freshness.tenant_id is
'Whose rows; null where the table has no tenants.';
comment on column analytics.data_freshness.as_of is
'Up to when every change of the sources is in the rows.';
comment on column analytics.data_freshness.checked_at is
'When the table was last compared with its sources.';
comment on column analytics.data_freshness.next_due is
'When it is next due to be.';
comment on column analytics.data_freshness.is_late is
'Whether it has missed a whole period of its cadence.';
{% endmacro %}
