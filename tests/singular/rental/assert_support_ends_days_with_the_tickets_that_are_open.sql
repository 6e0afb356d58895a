with support_sla as (
    select * from {{ ref('support_sla') }}
),

tickets as (
    select * from {{ ref('stg_rental__support_tickets') }}
),

calendar as (
    select * from {{ ref('int_rental__calendar') }}
),

models as (
    select *
    from orchestrator.models
    where model = 'support_sla'
),

stays as (
    select
        tickets.priority,
        tickets.resolved_at,
        (tickets.created_at at time zone calendar.timezone)::date as opened_on,
        (
            greatest(tickets.created_at, tickets.resolved_at)
            at time zone calendar.timezone
        )::date as resolved_on
    from tickets
    cross join calendar
    inner join models on tickets.created_at < models.refreshed_through
    where
        tickets.resolved_at is not null
        or tickets.status in ('open', 'in_progress')
),

moves as (
    select
        priority,
        opened_on as moved_on,
        1 as tickets
    from stays
    union all
    select
        stays.priority,
        stays.resolved_on as moved_on,
        -1 as tickets
    from stays
    inner join models on stays.resolved_at < models.refreshed_through
    union all
    select distinct
        stays.priority,
        support_sla.bucket_date as moved_on,
        0 as tickets
    from support_sla
    cross join stays
),

counted as (
    select distinct
        priority,
        moved_on,
        sum(tickets) over (
            partition by priority
            order by moved_on
        ) as tickets
    from moves
),

by_day as (
    select
        moved_on as bucket_date,
        jsonb_object_agg(priority, tickets) as priority_counts
    from counted
    where tickets > 0
    group by 1
),

different as (
    select
        support_sla.bucket_date,
        support_sla.priority_counts as summarized,
        by_day.priority_counts as counted
    from support_sla
    left join by_day on support_sla.bucket_date = by_day.bucket_date
    where support_sla.priority_counts <> coalesce(by_day.priority_counts, '{}')
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'support_sla',
    'null::uuid',
    'different.bucket_date',
    'different.bucket_date'
) }}
