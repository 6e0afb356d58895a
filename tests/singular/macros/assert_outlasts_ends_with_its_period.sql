with periods (ends_at) as (
    values (timestamptz '2026-06-11 22:00+00')
),

cases (label, until_at, is_open, expected) as (
    values
    (
        'ended before',
        timestamptz '2026-06-11 21:59:59.999999+00',
        false,
        false
    ),
    ('ended before, said to be open', '2026-06-11 21:59+00', true, false),
    ('ended with the period', '2026-06-11 22:00+00', false, true),
    ('ended later', '2026-06-20 12:00+00', false, true),
    ('open', null, true, true),
    ('ended, nobody knows when', null, false, false)
),

computed as (
    select
        cases.label,
        cases.expected,
        periods.ends_at is not null as actual
    from cases
    left join periods
        on {{ outlasts('cases.until_at', 'cases.is_open') }}
)

select *
from computed
where actual is distinct from expected
