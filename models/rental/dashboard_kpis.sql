{%- set timezone = "'" ~ var('rental_timezone') ~ "'" -%}
with snapshots as (
    select * from {{ kpi_engine.periods(ref('int_rental__calendar')) }} as periods
),

calendar as (
    select * from {{ ref('int_rental__calendar') }}
),

checks as (
    select * from {{ ref('int_rental__dashboard_checks') }}
),

bookings as not materialized (
    select * from {{ ref('stg_rental__bookings') }}
),

equipment as (
    select * from {{ ref('stg_rental__equipment') }}
    where is_active
),

fleet as (
    select count(*) as machines from equipment
),

receipts as (
    select * from {{ ref('int_rental__receipts') }}
),

payment_schedules as (
    select * from {{ ref('stg_rental__payment_schedules') }}
),

-- Each snapshot's day, and the same weekday a week before if there was one.
-- Materialized: else each row of a source computes their bounds again.
periods as materialized (
    select
        snapshots.snapshot_date,
        snapshots.ends_at <= {{ kpi_engine.present() }} as is_over,
        days.*,
        {{ kpi_engine.local_instant(
            'days.metric_date::timestamp', 'calendar.timezone'
        ) }}
            as starts_at,
        {{ kpi_engine.local_instant(
            '(days.metric_date + 1)::timestamp', 'calendar.timezone'
        ) }} as ends_at
    from snapshots
    cross join calendar
    inner join lateral (
        select
            weeks_ago,
            snapshots.snapshot_date - 7 * weeks_ago as metric_date
        from generate_series(0, 1) as weeks_ago
    ) as days on true
    where
        days.metric_date
        >= (calendar.started_at at time zone calendar.timezone)::date
),

dates as (
    select distinct metric_date from periods
),

-- The days that each booking covers. Materialized: else the planner may look
-- through all dates for each booking.
rented_days as materialized (
    select
        bookings.equipment_id,
        bookings.customer_id,
        days.day::date as metric_date
    from bookings
    inner join
        lateral generate_series(
            greatest(bookings.starts_on, (select min(metric_date) from dates))
            ::timestamp,
            least(bookings.ends_on, (select max(metric_date) from dates))
            ::timestamp,
            interval '1 day'
        ) as days (day)
        on true
    where bookings.status <> 'cancelled'
),

rented as (
    select
        dates.metric_date,
        count(distinct equipment.equipment_id) as machines,
        count(distinct rented_days.customer_id) as customers
    from dates
    inner join rented_days on dates.metric_date = rented_days.metric_date
    left join equipment on rented_days.equipment_id = equipment.equipment_id
    group by dates.metric_date
),

{{ outstanding_balance(timezone) }},

measured as (
    select
        periods.snapshot_date,
        periods.is_over,
        periods.weeks_ago,
        figures.metric,
        figures.figure
    from periods
    cross join fleet

    inner join lateral (
        select count(*) as bookings
        from bookings
        where {{ kpi_engine.in_period('bookings.created_at') }}
    ) as made on true

    inner join lateral (
        select coalesce(sum(receipts.amount), 0) as revenue
        from receipts
        where {{ kpi_engine.in_period('receipts.received_at') }}
    ) as received on true

    left join rented on periods.metric_date = rented.metric_date

    inner join owed on periods.ends_at = owed.at

    cross join lateral (
        values
        ('bookings', made.bookings),
        ('revenue', received.revenue::numeric(14, 2)),
        (
            'utilization_pct',
            {{ kpi_engine.percent_of(
                'coalesce(rented.machines, 0)', 'fleet.machines'
            ) }}
        ),
        ('active_customers', coalesce(rented.customers, 0)),
        ('outstanding_balance', owed.total::numeric(14, 2))
    ) as figures (metric, figure)
),

compared as (
    select
        snapshot_date,
        is_over,
        metric,
        max(figure) filter (where weeks_ago = 0) as figure,
        max(figure) filter (where weeks_ago = 1) as previous
    from measured
    group by snapshot_date, is_over, metric
),

changed as (
    select
        *,
        {{ kpi_engine.percent_change('figure', 'previous') }} as change_pct
    from compared
),

final as (
    select
        changed.snapshot_date,
        jsonb_object_agg(
            changed.metric,
            jsonb_build_object(
                'value', changed.figure,
                'previous', changed.previous,
                'change_pct', changed.change_pct
            )
        ) as metrics,
        coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'type', checks.alert,
                    'severity', checks.severity,
                    'message', format(
                        checks.message,
                        -changed.change_pct,
                        changed.previous,
                        changed.figure
                    )
                ) order by checks.alert
            ) filter (where checks.alert is not null),
            '[]'
        ) as alerts,
        now() as computed_at
    from changed
    left join checks
        on
            changed.metric = checks.metric
            and case checks.problem
                when 'falls by'
                    then
                        changed.is_over
                        and changed.change_pct <= -checks.threshold
                when 'is below' then changed.figure < checks.threshold
                when 'is above' then changed.figure > checks.threshold
            end
    group by changed.snapshot_date
)

select * from final
