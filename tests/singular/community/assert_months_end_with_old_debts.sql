with kpi_monthly as (
    select
        *,
        make_date(year, month, 1) as first_day,
        (make_date(year, month, 1) + interval '1 month')::date - 1 as last_day
    from {{ ref('kpi_monthly') }}
),

units as (
    select * from {{ ref('stg_community__units') }}
),

unit_balances as (
    select * from {{ ref('stg_community__unit_balances') }}
),

debts as (
    select
        units.community_id,
        unit_balances.as_of_date,
        unit_balances.balance,
        unit_balances.oldest_due_date,
        lead(unit_balances.as_of_date, 1, 'infinity') over (
            partition by unit_balances.unit_id
            order by unit_balances.as_of_date
        ) as holds_until
    from unit_balances
    inner join units on unit_balances.unit_id = units.unit_id
),

overdue as (
    select
        kpi_monthly.community_id,
        kpi_monthly.first_day,
        least((kpi_monthly.last_day - debts.oldest_due_date) / 30, 3) as bucket
    from kpi_monthly
    inner join debts
        on
            kpi_monthly.community_id = debts.community_id
            and kpi_monthly.last_day >= debts.as_of_date
            and kpi_monthly.last_day < debts.holds_until
    -- What has no due date is in no bucket; least() takes it for the oldest.
    where debts.balance > 0 and debts.oldest_due_date is not null
),

counted as (
    select
        community_id,
        first_day,
        count(*) filter (where bucket = 1) as days_30,
        count(*) filter (where bucket = 2) as days_60,
        count(*) filter (where bucket = 3) as days_90
    from overdue
    group by 1, 2
),

different as (
    select
        kpi_monthly.community_id,
        kpi_monthly.first_day,
        kpi_monthly.last_day,
        to_jsonb(kpi_monthly) as summarized,
        to_jsonb(counted) as counted
    from kpi_monthly
    left join counted
        on
            kpi_monthly.community_id = counted.community_id
            and kpi_monthly.first_day = counted.first_day
    where
        kpi_monthly.units_delinquent_30_days <> coalesce(counted.days_30, 0)
        or kpi_monthly.units_delinquent_60_days <> coalesce(counted.days_60, 0)
        or kpi_monthly.units_delinquent_90_days <> coalesce(counted.days_90, 0)
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'kpi_monthly',
    'different.community_id',
    'different.first_day',
    'different.last_day'
) }}
