select
    periods.account_id,
    periods.metric_date,
    figures.charges,
    figures.amount,
    now() as computed_at
from {{ kpi_engine.periods(ref('billing_calendar')) }} as periods
inner join lateral (
    select
        count(*)::integer as charges,
        coalesce(sum(charges.amount), 0)::bigint as amount
    from {{ ref('stg_charges') }} as charges
    where
        charges.account_id = periods.account_id
        and {{ kpi_engine.in_period('charges.charged_at') }}
) as figures on true
