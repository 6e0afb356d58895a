select
    periods.metric_date,
    figures.visits,
    now() as computed_at
from {{ kpi_engine.periods(ref('web_calendar')) }} as periods
inner join lateral (
    select count(*)::integer as visits
    from {{ ref('stg_visits') }} as visits
    where {{ kpi_engine.in_period('visits.seen_at') }}
) as figures on true
