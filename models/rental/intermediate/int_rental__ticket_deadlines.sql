with tickets as (
    select
        *,
        resolved_at is null and status in ('open', 'in_progress')
            as is_unfinished
    from {{ ref('stg_rental__support_tickets') }}
),

targets (priority, first_response, resolution) as (
    values
    {%- for priority, target in var('sla_targets').items() %}
        (
            '{{ priority }}',
            interval '{{ target.first_response_minutes }} minutes',
            interval '{{ target.resolution_hours }} hours'
        ){{ ',' if not loop.last }}
    {%- endfor %}
),

due as (
    select
        tickets.*,
        tickets.created_at + targets.first_response as response_due_at,
        tickets.created_at + targets.resolution as resolution_due_at
    from tickets
    left join targets on tickets.priority = targets.priority
)

-- A resolution answers, too. What is still to come is late once it is due, but
-- of a ticket that someone closed nothing is to come.
select
    support_ticket_id,
    customer_id,
    priority,
    status,
    created_at,
    first_response_at,
    resolved_at,
    is_unfinished,
    case
        when
            coalesce(
                least(first_response_at, resolved_at) > response_due_at,
                is_unfinished
            )
            then response_due_at
    end as response_breach_at,
    case
        when coalesce(resolved_at > resolution_due_at, is_unfinished)
            then resolution_due_at
    end as resolution_breach_at
from due
