with kpi_daily as (
    select * from {{ ref('kpi_daily') }}
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

counted as (
    select
        kpi_daily.community_id,
        kpi_daily.metric_date,
        kpi_daily.units_delinquent,
        kpi_daily.total_delinquent_amount,
        count(debts.balance) as counted,
        coalesce(sum(debts.balance), 0) as summed
    from kpi_daily
    left join debts
        on
            kpi_daily.community_id = debts.community_id
            and kpi_daily.metric_date >= debts.as_of_date
            and kpi_daily.metric_date < debts.holds_until
            and kpi_daily.metric_date > debts.oldest_due_date
            and debts.balance > 0
    group by 1, 2, 3, 4
),

different as (
    select *
    from counted
    where units_delinquent <> counted or total_delinquent_amount <> summed
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'kpi_daily',
    'different.community_id',
    'different.metric_date',
    'different.metric_date'
) }}
