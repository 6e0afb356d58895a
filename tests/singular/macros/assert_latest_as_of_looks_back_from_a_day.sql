with unit_balances (unit_no, as_of_date, balance) as (
    values
    (1, date '2026-06-01', 10),
    (1, date '2026-06-05', 20),
    (1, date '2026-06-10', 30),
    (2, date '2026-06-04', 99)
),

cases (unit_no, metric_date, expected) as (
    values
    (1, date '2026-05-31', null),
    (1, date '2026-06-01', 10),
    (1, date '2026-06-04', 10),
    (1, date '2026-06-05', 20),
    (1, date '2026-12-31', 30),
    (3, date '2026-12-31', null)
),

computed as (
    select
        cases.*,
        latest.balance as actual
    from cases
    left join lateral (
        {{ kpi_engine.latest_as_of(
            'unit_balances', 'cases', 'unit_no', 'as_of_date',
            'cases.metric_date'
        ) }}
    ) as latest on true
)

select *
from computed
where actual is distinct from expected
