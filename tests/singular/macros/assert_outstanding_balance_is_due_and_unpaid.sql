with periods (metric_date, ends_at, expected) as (
    values
    (date '2026-06-09', timestamptz '2026-06-10 04:00+00', 0),
    ('2026-06-10', '2026-06-11 04:00+00', 11),
    ('2026-06-11', '2026-06-12 04:00+00', 101)
),

payment_schedules (due_on, paid_at, amount) as (
    values
    (date '2026-06-10', null, 1),
    ('2026-06-10', timestamptz '2026-06-11 04:00+00', 10),
    ('2026-06-11', null, 100),
    ('2026-06-10', '2026-06-11 03:59:59+00', 1000),
    ('2026-06-12', null, 10000),
    -- Paid before it was due, and due on no day.
    ('2026-06-11', '2026-06-09 12:00+00', 100000),
    (null, null, 1000000)
),

{{ outstanding_balance("'America/New_York'") }},

computed as (
    select
        periods.metric_date,
        periods.expected,
        owed.total as actual
    from periods
    left join owed on periods.ends_at = owed.at
)

select *
from computed
where actual is distinct from expected
