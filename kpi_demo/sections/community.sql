-- The busiest communities: their entries week by week, and the last week's.
with settings as (
    select
        14 as weeks,
        (%(until)s::timestamptz at time zone 'UTC')::date as until_on
),

weeks as (
    select
        kpi_weekly.*,
        row_number() over (
            partition by kpi_weekly.community_id
            order by kpi_weekly.week_start desc
        ) as weeks_ago
    from settings
    cross join analytics.kpi_weekly
    where
        kpi_weekly.week_start + 7 <= settings.until_on
        and kpi_weekly.week_start + 7 * (settings.weeks + 1) > settings.until_on
),

entries as (
    select
        community_id,
        array_agg(total_entries order by week_start) as by_week
    from weeks
    group by community_id
)

select
    communities.name,
    entries.by_week,
    to_char(weeks.total_entries, 'FM999,990') as figure,
    weeks.entries_change_pct as change_pct,
    'incidents: ' || weeks.incidents_reported as note
from weeks
inner join entries on weeks.community_id = entries.community_id
inner join community.communities on weeks.community_id = communities.id
where weeks.weeks_ago = 1
order by
    weeks.total_entries desc,
    communities.name asc
limit 3
