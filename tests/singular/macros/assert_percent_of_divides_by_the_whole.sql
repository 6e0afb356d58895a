with cases (label, part, whole, expected) as (
    values
    ('a third', 1, 3, 33.33),
    ('two thirds', 2, 3, 66.67),
    ('all', 3, 3, 100.00),
    ('more than all', 5, 3, 166.67),
    ('none', 0, 3, 0.00),
    ('of nothing', 3, 0, null),
    ('of what is not known', 3, null, null),
    ('what is not known', null, 3, null)
),

computed as (
    select
        *,
        {{ kpi_engine.percent_of('part', 'whole') }} as actual
    from cases
)

select *
from computed
where actual is distinct from expected
