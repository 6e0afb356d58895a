{#- No deadline lies further than this after its ticket was opened. -#}
{%- set targets = var('sla_targets').values() | list -%}
{%- set longest_wait =
    (targets | map(attribute='resolution_hours') | max) ~ ' hours '
    ~ (targets | map(attribute='first_response_minutes') | max) ~ ' minutes'
-%}
with periods as (
    select
        *,
        least(ends_at, {{ present() }}) as state_at
    from {{ periods(ref('int_rental__calendar')) }} as periods
),

-- Not materialized, so that each day's tickets are found by index.
tickets as not materialized (
    select * from {{ ref('int_rental__ticket_deadlines') }}
),

final as (
    select
        periods.bucket_date,
        waiting.priority_counts,
        breached.sla_breaches,
        answered.avg_first_response_minutes,
        resolved.avg_resolution_hours,
        now() as computed_at
    from periods

    inner join lateral (
        select {{ count_by('tickets.priority') }} as priority_counts
        from tickets
        where
            tickets.created_at < periods.state_at
            and (
                tickets.resolved_at >= periods.state_at
                or tickets.is_unfinished
            )
    ) as waiting on true

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
            and {{ during('breaches.breach_at') }}
            and breaches.breach_at <= periods.state_at
    ) as breached on true

    inner join lateral (
        select
            round(
                avg(
                    extract(
                        epoch from tickets.first_response_at
                        - tickets.created_at
                    )
                ) / 60,
                2
            ) as avg_first_response_minutes
        from tickets
        where {{ during('tickets.first_response_at') }}
    ) as answered on true

    inner join lateral (
        select
            round(
                avg({{ hours_between(
                    'tickets.created_at', 'tickets.resolved_at'
                ) }}),
                2
            ) as avg_resolution_hours
        from tickets
        where {{ during('tickets.resolved_at') }}
    ) as resolved on true
)

select * from final
