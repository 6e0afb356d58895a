with kpi_monthly as (
    select
        *,
        make_date(year, month, 1) as first_day,
        (make_date(year, month, 1) + interval '1 month')::date - 1 as last_day
    from {{ ref('kpi_monthly') }}
),

incidents as (
    select * from {{ ref('stg_community__incidents') }}
),

communities as (
    select * from {{ ref('stg_community__communities') }}
),

by_category as (
    select
        incidents.community_id,
        incidents.category,
        date_trunc(
            'month', incidents.reported_at at time zone communities.timezone
        )::date as first_day,
        count(*) as reported
    from incidents
    inner join communities
        on incidents.community_id = communities.community_id
    group by 1, 2, 3
),

by_month as (
    select
        community_id,
        first_day,
        jsonb_object_agg(category, reported) as incidents_by_category
    from by_category
    group by 1, 2
),

different as (
    select
        kpi_monthly.community_id,
        kpi_monthly.first_day,
        kpi_monthly.last_day,
        kpi_monthly.incidents_by_category as summarized,
        by_month.incidents_by_category as counted
    from kpi_monthly
    left join by_month
        on
            kpi_monthly.community_id = by_month.community_id
            and kpi_monthly.first_day = by_month.first_day
    where
        kpi_monthly.incidents_by_category
        is distinct from coalesce(by_month.incidents_by_category, '{}')
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'kpi_monthly',
    'different.community_id',
    'different.first_day',
    'different.last_day'
) }}
