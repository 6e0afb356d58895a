with periods as (
    select
        *,
        cohort_month::timestamp as first_month,
        {{ kpi_engine.present() }} at time zone timezone as local_present
    from {{ kpi_engine.periods(ref('int_rental__cohort_calendar')) }} as periods
),

-- Not materialized, so that a cohort's customers are found by index.
customers as not materialized (
    select * from {{ ref('int_rental__customers') }}
),

final as (
    select
        periods.cohort_month,
        cohort.new_customers,
        cohort.returning_customers,
        {{ kpi_engine.percent_of(
            'cohort.returning_customers', 'cohort.new_customers'
        ) }}
            as retention_rate,
        cohort.avg_ltv,
        retention.retention_by_month,
        now() as computed_at
    from periods

    inner join lateral (
        select
            count(*)::integer as new_customers,
            count(*) filter (where customers.active_months <> '{0}')::integer
                as returning_customers,
            round(avg(customers.lifetime_value), 2) as avg_ltv
        from customers
        where customers.cohort_month = periods.cohort_month
    ) as cohort on cohort.new_customers > 0

    -- Each month from the cohort's own through the present one.
    inner join lateral (
        select
            jsonb_object_agg(
                months.number - 1,
                {{ kpi_engine.percent_of(
                    'coalesce(active.customers, 0)', 'cohort.new_customers'
                ) }}
            ) as retention_by_month
        from
            generate_series(
                periods.first_month, periods.local_present, interval '1 month'
            ) with ordinality as months (first_day, number)
        left join (
            select
                since.months,
                count(*) as customers
            from customers
            cross join unnest(customers.active_months) as since (months)
            where customers.cohort_month = periods.cohort_month
            group by since.months
        ) as active on months.number - 1 = active.months
    ) as retention on true
)

select * from final
