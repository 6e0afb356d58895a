-- The busiest communities' last week that the data covers.
with latest as (
    select max(week_start) as week_start
    from analytics.kpi_weekly
    where week_start + 7 <= (%(until)s::timestamptz at time zone 'UTC')::date
)

select
    communities.name,
    kpi_weekly.week_start,
    kpi_weekly.total_entries,
    kpi_weekly.entries_change_pct,
    kpi_weekly.incidents_reported
from latest
inner join analytics.kpi_weekly
    on latest.week_start = kpi_weekly.week_start
inner join community.communities
    on kpi_weekly.community_id = communities.id
order by kpi_weekly.total_entries desc, communities.name asc
limit 3
