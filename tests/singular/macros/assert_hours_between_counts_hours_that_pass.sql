with cases (label, start_at, finish_at, expected) as (
    values
    (
        'an hour and a half',
        '2026-06-10 08:00 Europe/Madrid'::timestamptz,
        '2026-06-10 09:30 Europe/Madrid'::timestamptz,
        1.5
    ),
    (
        'a day with 23 hours',
        '2026-03-29 00:00 Europe/Madrid',
        '2026-03-30 00:00 Europe/Madrid',
        23
    ),
    (
        'a day with 25 hours',
        '2026-10-25 00:00 Europe/Madrid',
        '2026-10-26 00:00 Europe/Madrid',
        25
    ),
    (
        'ten days',
        '2026-06-10 08:00 Europe/Madrid',
        '2026-06-20 08:00 Europe/Madrid',
        240
    ),
    ('not finished', '2026-06-10 08:00 Europe/Madrid', null, null)
),

computed as (
    select
        *,
        {{ hours_between('start_at', 'finish_at') }} as actual
    from cases
)

select *
from computed
where actual is distinct from expected
