with cases (label, number, expected) as (
    values
    ('none', 0, 'no units'),
    ('one', 1, '1 unit'),
    ('some', 21, '21 units'),
    ('many', 1234567, '1,234,567 units'),
    ('all that an integer can say', 2147483647, '2,147,483,647 units'),
    ('less than none', -5, '-5 units'),
    ('unknown', null, null)
),

computed as (
    select
        *,
        {{ kpi_engine.number_of('number', 'unit') }} as actual
    from cases
)

select *
from computed
where actual is distinct from expected
