with periods (period_name, starts_at, ends_at) as (
    values
    (
        'first',
        timestamptz '2026-06-10 22:00+00',
        timestamptz '2026-06-11 22:00+00'
    ),
    ('second', '2026-06-11 22:00+00', '2026-06-12 22:00+00')
),

cases (happened_at, expected) as (
    values
    (timestamptz '2026-06-10 21:59:59.999999+00', null),
    (timestamptz '2026-06-10 22:00+00', 'first'),
    (timestamptz '2026-06-11 21:59:59.999999+00', 'first'),
    (timestamptz '2026-06-11 22:00+00', 'second'),
    (timestamptz '2026-06-12 22:00+00', null),
    (null, null)
),

computed as (
    select
        cases.happened_at,
        cases.expected,
        periods.period_name as actual
    from cases
    left join periods on {{ kpi_engine.in_period('cases.happened_at') }}
)

select *
from computed
where actual is distinct from expected
