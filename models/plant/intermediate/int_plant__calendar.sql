with assets as (
    select * from {{ ref('stg_plant__assets') }}
),

production_counts as (
    select * from {{ ref('stg_plant__production_counts') }}
),

production_targets as (
    select * from {{ ref('stg_plant__production_targets') }}
),

-- The first moment by subselects: an asset's whole past is rarely asked for,
-- and then an index answers each.
first_days as (
    select
        assets.*,
        (
            select min(production_counts.counted_at)
            from production_counts
            where production_counts.asset_id = assets.asset_id
        ) as counted_at,
        (
            select min(production_targets.target_date)::timestamp
            from production_targets
            where production_targets.asset_id = assets.asset_id
        ) as planned_on
    from assets
)

select
    asset_id,
    timezone,
    is_active,
    least(counted_at, {{ kpi_engine.local_instant('planned_on', 'timezone') }})
        as started_at
from first_days
where is_active
