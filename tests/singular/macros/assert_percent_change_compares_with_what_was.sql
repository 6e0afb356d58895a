with cases (label, current_value, previous_value, expected) as (
    values
    ('growth', 50, 40, 25.00),
    ('decline', 30, 40, -25.00),
    ('no change', 40, 40, 0.00),
    ('to nothing', 0, 40, -100.00),
    ('beyond 1,000 %', 4100, 3, 136566.67),
    ('thirds do not end', 4, 3, 33.33),
    ('from nothing', 40, 0, null),
    ('from nothing to nothing', 0, 0, null),
    ('nothing known before', 40, null, null),
    ('nothing known now', null, 40, null)
),

computed as (
    select
        *,
        {{ kpi_engine.percent_change('current_value', 'previous_value') }} as actual
    from cases
)

select *
from computed
where actual is distinct from expected
