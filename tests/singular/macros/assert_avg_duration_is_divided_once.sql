with cases (label, start_at, finish_at, minutes, hours) as (
    values
    (
        'an hour and a half',
        '2026-06-10 08:00 Europe/Madrid'::timestamptz,
        '2026-06-10 09:30 Europe/Madrid'::timestamptz,
        90.00,
        1.50
    ),
    (
        'a day with 23 hours',
        '2026-03-29 00:00 Europe/Madrid',
        '2026-03-30 00:00 Europe/Madrid',
        1380.00,
        23.00
    ),
    (
        'a day with 25 hours',
        '2026-10-25 00:00 Europe/Madrid',
        '2026-10-26 00:00 Europe/Madrid',
        1500.00,
        25.00
    ),
    -- 14, 20 and 20 seconds are 0.015 hours: their quotients add up to less.
    ('an exact half', '2026-06-10 08:00Z', '2026-06-10 08:00:14Z', 0.30, 0.01),
    ('an exact half', '2026-06-10 08:00Z', '2026-06-10 08:00:20Z', 0.30, 0.01),
    ('an exact half', '2026-06-10 08:00Z', '2026-06-10 08:00:20Z', 0.30, 0.01),
    ('one is open', '2026-06-10 08:00Z', '2026-06-10 09:00Z', 60.00, 1.00),
    ('one is open', '2026-06-10 08:00Z', null, 60.00, 1.00),
    ('none is finished', '2026-06-10 08:00Z', null, null, null)
),

computed as (
    select
        label,
        min(minutes) as minutes,
        min(hours) as hours,
        {{ kpi_engine.avg_duration(
            'start_at', 'finish_at', 'minute'
        ) }} as actual_minutes,
        {{ kpi_engine.avg_duration('start_at', 'finish_at') }} as actual_hours
    from cases
    group by label
)

select *
from computed
where (actual_minutes, actual_hours) is distinct from (minutes, hours)
