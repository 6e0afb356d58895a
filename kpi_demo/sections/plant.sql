-- How well the machines that cost most ran on their last fourteen days, against
-- the fourteen before, and how they stand now.
with settings as (
    select 14 as days
),

summaries as (
    select
        *,
        row_number() over (
            partition by asset_id
            order by report_date desc
        ) as days_ago
    from analytics.daily_summaries
    where oee_percentage is not null
),

compared as (
    select
        summaries.asset_id,
        array_agg(summaries.oee_percentage order by summaries.report_date)
        filter (where summaries.days_ago <= settings.days) as days,
        avg(summaries.oee_percentage)
        filter (where summaries.days_ago <= settings.days) as oee,
        avg(summaries.oee_percentage)
        filter (where summaries.days_ago > settings.days) as previous,
        sum(summaries.financial_loss_dollars) as loss
    from settings
    inner join summaries on summaries.days_ago <= 2 * settings.days
    group by summaries.asset_id
),

present as (
    select distinct on (asset_id)
        asset_id,
        status
    from analytics.live_snapshots
    order by
        asset_id asc,
        snapshot_timestamp desc
)

select
    assets.name,
    compared.days,
    to_char(compared.oee, 'FM990.0 %%') as figure,
    round(
        (compared.oee - compared.previous)
        / nullif(compared.previous, 0) * 100,
        2
    ) as change_pct,
    coalesce(replace(present.status, '_', ' '), 'no plan today') as note
from compared
inner join plant.assets on compared.asset_id = assets.id
left join present on compared.asset_id = present.asset_id
order by
    compared.loss desc,
    assets.name asc
limit 3
