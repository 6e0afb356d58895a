with kpi_daily as (
    select * from {{ ref('kpi_daily') }}
),

packages as (
    select * from {{ ref('stg_community__packages') }}
),

communities as (
    select * from {{ ref('stg_community__communities') }}
),

stays as (
    select
        packages.community_id,
        (packages.received_at at time zone communities.timezone)::date
            as received_on,
        (packages.picked_up_at at time zone communities.timezone)::date
            as picked_up_on
    from packages
    inner join communities
        on packages.community_id = communities.community_id
),

moves as (
    select
        community_id,
        received_on as moved_on,
        1 as parcels
    from stays
    union all
    select
        community_id,
        greatest(received_on, picked_up_on) as moved_on,
        -1 as parcels
    from stays
    where picked_up_on is not null
    union all
    select
        community_id,
        metric_date as moved_on,
        0 as parcels
    from kpi_daily
),

counted as (
    select distinct
        community_id,
        moved_on,
        sum(parcels) over (
            partition by community_id
            order by moved_on
        ) as packages_pending
    from moves
),

different as (
    select
        kpi_daily.community_id,
        kpi_daily.metric_date,
        kpi_daily.packages_pending as summarized,
        counted.packages_pending as counted
    from kpi_daily
    inner join counted
        on
            kpi_daily.community_id = counted.community_id
            and kpi_daily.metric_date = counted.moved_on
    where kpi_daily.packages_pending <> counted.packages_pending
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'kpi_daily',
    'different.community_id',
    'different.metric_date',
    'different.metric_date'
) }}
