{#- No deadline lies further than this after its ticket was opened. -#}
{%- set targets = var('sla_targets').values() | list -%}
{%- set longest_wait =
    (targets | map(attribute='resolution_hours') | max) ~ ' hours '
    ~ (targets | map(attribute='first_response_minutes') | max) ~ ' minutes'
-%}
with periods as (
    select
        *,
        least(ends_at, {{ kpi_engine.present() }}) as state_at
    from {{ kpi_engine.periods(ref('int_rental__calendar')) }} as periods
),

-- Not materialized, so that each day's tickets are found by index.
tickets as not materialized (
    select * from {{ ref('int_rental__ticket_deadlines') }}
),

-- How many wait at each moment, for each priority that there is.
priorities as (
    select distinct priority from tickets
),

moments as (
    select
        periods.state_at,
        priorities.priority
    from periods
    cross join priorities
),

{{ kpi_engine.open_at_end(
    'waiting',
    'tickets',
    opened='tickets.created_at',
    closed='tickets.resolved_at',
    still='tickets.is_unfinished',
    by=['priority'],
    periods='moments',
    ends_at='state_at'
) }},

waiting_by_priority as (
    select
        at,
        jsonb_object_agg(priority, total) as priority_counts
    from waiting
    where total > 0 and priority is not null
    group by at
),

final as (
    select
        periods.bucket_date,
        breached.sla_breaches,
        answered.avg_first_response_minutes,
        resolved.avg_resolution_hours,
        coalesce(waiting_by_priority.priority_counts, '{}')
            as priority_counts,
        now() as computed_at
    from periods

    inner join lateral (
        select count(*)::integer as sla_breaches
        from tickets
        inner join lateral (
            values
            (tickets.response_breach_at),
            (tickets.resolution_breach_at)
        ) as breaches (breach_at) on true
        where
            tickets.created_at
            >= periods.starts_at - interval '{{ longest_wait }}'
            and tickets.created_at < periods.ends_at
            and {{ kpi_engine.in_period('breaches.breach_at') }}
            and breaches.breach_at <= periods.state_at
    ) as breached on true

    inner join lateral (
        select
            {{ kpi_engine.avg_duration(
                'tickets.created_at', 'tickets.first_response_at', 'minute'
            ) }} as avg_first_response_minutes
        from tickets
        where {{ kpi_engine.in_period('tickets.first_response_at') }}
    ) as answered on true

    inner join lateral (
        select
            {{ kpi_engine.avg_duration('tickets.created_at', 'tickets.resolved_at') }}
                as avg_resolution_hours
        from tickets
        where {{ kpi_engine.in_period('tickets.resolved_at') }}
    ) as resolved on true

    left join waiting_by_priority on periods.state_at = waiting_by_priority.at
)

select * from final
