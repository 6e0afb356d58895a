with cases (label, local_time, timezone, expected) as (
    values
    (
        'no summer time',
        timestamp '2026-06-10 00:00',
        'Asia/Kolkata',
        timestamptz '2026-06-09 18:30+00'
    ),
    (
        'a day with 23 hours begins',
        '2026-03-29 00:00',
        'Europe/Madrid',
        '2026-03-28 23:00+00'
    ),
    (
        'and ends',
        '2026-03-30 00:00',
        'Europe/Madrid',
        '2026-03-29 22:00+00'
    ),
    (
        'a day with 25 hours begins',
        '2026-10-25 00:00',
        'Europe/Madrid',
        '2026-10-24 22:00+00'
    ),
    (
        'and ends',
        '2026-10-26 00:00',
        'Europe/Madrid',
        '2026-10-25 23:00+00'
    ),
    (
        'at 1:00 it is 0:00 again',
        '2026-11-01 00:00',
        'America/Havana',
        '2026-11-01 04:00+00'
    ),
    (
        'at 1:00 it is 0:00 again',
        '2026-10-25 00:00',
        'Atlantic/Azores',
        '2026-10-25 00:00+00'
    ),
    (
        'at 0:00 it is 1:00',
        '2026-03-08 00:00',
        'America/Havana',
        '2026-03-08 05:00+00'
    ),
    (
        'at 0:00 it is 1:00',
        '2026-09-06 00:00',
        'America/Santiago',
        '2026-09-06 04:00+00'
    ),
    (
        'at 0:00 it is 23:00 again',
        '2026-04-05 00:00',
        'America/Santiago',
        '2026-04-05 04:00+00'
    ),
    (
        'half an hour forward',
        '2026-10-04 00:00',
        'Australia/Lord_Howe',
        '2026-10-03 13:30+00'
    ),
    (
        'then eleven hours ahead',
        '2026-10-05 00:00',
        'Australia/Lord_Howe',
        '2026-10-04 13:00+00'
    ),
    (
        'half an hour back',
        '2026-04-05 00:00',
        'Australia/Lord_Howe',
        '2026-04-04 13:00+00'
    ),
    (
        'then half an hour less',
        '2026-04-06 00:00',
        'Australia/Lord_Howe',
        '2026-04-05 13:30+00'
    ),
    (
        'a day that was left out begins as the next does',
        '2011-12-30 00:00',
        'Pacific/Apia',
        '2011-12-30 10:00+00'
    ),
    (
        'which follows at once',
        '2011-12-31 00:00',
        'Pacific/Apia',
        '2011-12-30 10:00+00'
    )
),

computed as (
    select
        *,
        {{ kpi_engine.local_instant('local_time', 'timezone') }} as actual
    from cases
)

select *
from computed
where actual is distinct from expected
