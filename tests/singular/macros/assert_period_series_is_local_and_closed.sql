{% set days = {
    'tenant': 'tenant', 'tenant_type': 'integer', 'column': 'period', 'expression': 'target.period',
    'grain': 'day', 'rows': 'every', 'current_period': 'exclude', 'window': '0',
} %}
{% set weeks = dict(days, grain='week', window='1 week') %}
{% set months = dict(days, grain='month') %}

with calendar (tenant, timezone, is_active, started_at) as (
    values (1, 'Europe/Madrid', true, timestamptz '2020-01-01 12:00+00')
),

asked (tenant, period, since) as (
    values
    -- the midnight before a day with 23 hours
    (1, tstzrange('2020-03-28 23:00Z', '2020-03-28 23:00:01Z'), null),
    -- until the midnight after one with 25 hours, which is a Sunday
    (1, tstzrange('2020-10-25 22:59Z', '2020-10-25 23:00Z'), null),
    -- a new year that is an hour old in Madrid, where 2020 has 53 weeks
    (1, tstzrange('2020-12-31 23:59Z', '2021-01-01 00:00Z'), null),
    -- from before the tenant began
    (1, tstzrange('2019-11-11 11:11Z', '2020-01-01 13:00Z'), null),
    -- what is not over
    (null, tstzrange(now(), null), null),
    -- another tenant, of whom the calendar knows nothing
    (2, tstzrange('2020-06-01 00:00Z', '2020-07-01 00:00Z'), null)
),

requests as (
    select
        *,
        true as is_named,
        false as is_build,
        0 as backlog
    from asked
),

actual as (
    select
        series.*,
        'day' as grain
    from ({{ kpi_engine.period_series(days, 'calendar', 'requests') }}) as series
    union all
    select
        series.*,
        'week' as grain
    from ({{ kpi_engine.period_series(weeks, 'calendar', 'requests') }}) as series
    union all
    select
        series.*,
        'month' as grain
    from ({{ kpi_engine.period_series(months, 'calendar', 'requests') }}) as series
),

expected (grain, period, starts_at, ends_at) as (
    values
    (
        'day',
        date '2020-01-01',
        timestamptz '2019-12-31 23:00Z',
        timestamptz '2020-01-01 23:00Z'
    ),
    ('day', '2020-03-29', '2020-03-28 23:00Z', '2020-03-29 22:00Z'),
    ('day', '2020-10-25', '2020-10-24 22:00Z', '2020-10-25 23:00Z'),
    ('day', '2021-01-01', '2020-12-31 23:00Z', '2021-01-01 23:00Z'),
    ('week', '2019-12-30', '2019-12-29 23:00Z', '2020-01-05 23:00Z'),
    ('week', '2020-01-06', '2020-01-05 23:00Z', '2020-01-12 23:00Z'),
    ('week', '2020-03-23', '2020-03-22 23:00Z', '2020-03-29 22:00Z'),
    ('week', '2020-03-30', '2020-03-29 22:00Z', '2020-04-05 22:00Z'),
    ('week', '2020-10-19', '2020-10-18 22:00Z', '2020-10-25 23:00Z'),
    ('week', '2020-10-26', '2020-10-25 23:00Z', '2020-11-01 23:00Z'),
    ('week', '2020-12-28', '2020-12-27 23:00Z', '2021-01-03 23:00Z'),
    ('week', '2021-01-04', '2021-01-03 23:00Z', '2021-01-10 23:00Z'),
    ('month', '2020-01-01', '2019-12-31 23:00Z', '2020-01-31 23:00Z'),
    ('month', '2020-03-01', '2020-02-29 23:00Z', '2020-03-31 22:00Z'),
    ('month', '2020-10-01', '2020-09-30 22:00Z', '2020-10-31 23:00Z'),
    ('month', '2021-01-01', '2020-12-31 23:00Z', '2021-01-31 23:00Z')
),

compared as (
    select
        actual.starts_at as actual_starts_at,
        actual.ends_at as actual_ends_at,
        expected.starts_at,
        expected.ends_at,
        coalesce(actual.grain, expected.grain) as grain,
        coalesce(actual.period, expected.period) as period
    from actual
    full join expected
        on
            actual.grain = expected.grain
            and actual.period = expected.period
)

select *
from compared
where
    actual_starts_at is distinct from starts_at
    or actual_ends_at is distinct from ends_at
