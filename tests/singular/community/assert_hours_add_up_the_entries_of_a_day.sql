with kpi_daily as (
    select * from {{ ref('kpi_daily') }}
),

access_logs as (
    select * from {{ ref('stg_community__access_logs') }}
),

communities as (
    select * from {{ ref('stg_community__communities') }}
),

by_hour as (
    select
        access_logs.community_id,
        date_trunc(
            'hour', access_logs.occurred_at at time zone communities.timezone
        ) as local_hour,
        count(*) as entries
    from access_logs
    inner join communities
        on access_logs.community_id = communities.community_id
    where access_logs.decision = 'granted'
    group by 1, 2
),

by_day as (
    select
        community_id,
        local_hour::date as metric_date,
        jsonb_object_agg(to_char(local_hour, 'HH24'), entries)
            as entries_by_hour
    from by_hour
    group by 1, 2
),

different as (
    select
        kpi_daily.community_id,
        kpi_daily.metric_date,
        kpi_daily.entries_by_hour as summarized,
        by_day.entries_by_hour as counted
    from kpi_daily
    left join by_day
        on
            kpi_daily.community_id = by_day.community_id
            and kpi_daily.metric_date = by_day.metric_date
    where
        kpi_daily.entries_by_hour
        is distinct from coalesce(by_day.entries_by_hour, '{}')
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'kpi_daily',
    'different.community_id',
    'different.metric_date',
    'different.metric_date'
) }}
