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

targets as (
    select
        key as priority,
        (value ->> 'first_response_minutes')::numeric * 60 as to_respond,
        (value ->> 'resolution_hours')::numeric * 3600 as to_resolve
    from jsonb_each('{{ tojson(var("sla_targets")) }}')
),

clocks as (
    select
        priority,
        status,
        created_at,
        'response' as clock,
        case
            when first_response_at < resolved_at then first_response_at
            else coalesce(resolved_at, first_response_at)
        end as stopped_at,
        resolved_at
    from tickets
    union all
    select
        priority,
        status,
        created_at,
        'resolution' as clock,
        resolved_at as stopped_at,
        resolved_at
    from tickets
),

ran as (
    select
        clocks.created_at,
        models.refreshed_through,
        clocks.stopped_at is null as is_running,
        case clocks.clock
            when 'response' then targets.to_respond
            else targets.to_resolve
        end as seconds_allowed,
        extract(
            epoch from coalesce(clocks.stopped_at, models.refreshed_through)
            - clocks.created_at
        ) as elapsed
    from clocks
    inner join targets on clocks.priority = targets.priority
    cross join models
    where
        clocks.stopped_at is not null
        or (
            clocks.status in ('open', 'in_progress')
            and clocks.resolved_at is null
        )
),

missed as (
    select
        (
            (ran.created_at + ran.seconds_allowed * interval '1 second')
            at time zone calendar.timezone
        )::date as bucket_date,
        count(*) as breaches
    from ran
    cross join calendar
    where
        (
            ran.elapsed > ran.seconds_allowed
            or (ran.elapsed = ran.seconds_allowed and ran.is_running)
        )
        and ran.created_at + ran.seconds_allowed * interval '1 second'
        <= ran.refreshed_through
    group by 1
),

different as (
    select
        support_sla.bucket_date,
        support_sla.sla_breaches as summarized,
        coalesce(missed.breaches, 0) as counted
    from support_sla
    left join missed on support_sla.bucket_date = missed.bucket_date
    where support_sla.sla_breaches <> coalesce(missed.breaches, 0)
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'support_sla',
    'null::uuid',
    'different.bucket_date',
    'different.bucket_date'
) }}
