-- Change the outcome of a call at random; return where the summary shows it, and
-- what it shows now.
with chosen as materialized (
    select 1 + floor(random() * %(rows)s)::bigint as id
),

changed as (
    update restaurant.calls
    set status = case status when 'completed' then 'missed' else 'completed' end
    from chosen
    where calls.id = chosen.id
    returning calls.account_id, calls.location_id, calls.started_at
)

select
    changed.account_id,
    changed.location_id,
    metrics_daily.date,
    metrics_daily.computed_at
from changed
inner join restaurant.accounts on accounts.id = changed.account_id
inner join analytics.metrics_daily
    on metrics_daily.account_id = changed.account_id
    and metrics_daily.location_id = changed.location_id
    and metrics_daily.date
    = (changed.started_at at time zone accounts.timezone)::date
