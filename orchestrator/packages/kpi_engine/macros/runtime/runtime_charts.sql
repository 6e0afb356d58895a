{# What the charts of the status page show. #}
{% macro runtime_charts() %}
-- The points of the charts that summary tables declare, one for each of the
-- last periods: over all tenants unless one is named, null where the table has no row.
-- A local day is that day in UTC. One that is not over, for some tenant, is under way.
create or replace function orchestrator.chart_points(
    p_model text default null, p_tenant text default null
)
returns table (
    model text,
    place bigint,
    title text,
    unit text,
    grain text,
    starts_at timestamptz,
    value numeric,
    is_under_way boolean
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set jit = off
as $$
declare
    chart record;
begin
    for chart in
        select
            models.model,
            models.relation,
            models.calendar,
            models.tenant,
            models.grain,
            declared.*,
            models.grain in ('day', 'week', 'month') as is_local,
            case models.grain
                when 'day' then interval '1 day'
                when 'week' then interval '1 week'
                when 'month' then interval '1 month'
                else models.grain::interval
            end as step,
            case models.grain
                when 'day' then interval '6 weeks'
                when 'week' then interval '26 weeks'
                when 'month' then interval '24 months'
                else 48 * models.grain::interval
            end as shown
        from orchestrator.models
        cross join lateral rows from (
            jsonb_to_recordset(models.charts) as (
                title text,
                unit text,
                period text,
                "column" text,
                combine text
            )
        ) with ordinality as declared (
            title, unit, period, measure, combine, place
        )
        where
            to_regclass(models.relation) is not null
            and (p_model is null or models.model = p_model)
            and (p_tenant is null or models.tenant is not null)
    loop
        return query execute format(
            $query$
            with points as (
                select %1$s as starts_at, %2$s(target.%3$I) as value
                from %4$s as target
                where %1$s >= ({{ kpi_engine.present() }} - $1)%5$s
                    and ($8 is null or %7$s = $8)
                group by 1
            ),

            under_way as (
                select coalesce(min(%6$s), {{ kpi_engine.present() }}) as since
            )

            select
                $2, $3, $4, $5, $6,
                periods.starts_at,
                points.value::numeric,
                periods.starts_at + $7 > under_way.since
            from (select min(starts_at), max(starts_at) from points)
                as ends (first, last)
            cross join lateral generate_series(
                ends.first::timestamptz, ends.last, $7
            ) as periods (starts_at)
            left join points on points.starts_at = periods.starts_at
            cross join under_way
            order by periods.starts_at
            $query$,
            chart.period,
            chart.combine,
            chart.measure,
            chart.relation,
            case when chart.is_local then '::date' else '' end,
            case
                when chart.is_local then format(
                    $local$
                    (
                        select min({{ kpi_engine.present() }} at time zone timezone)
                        from %s
                    )::timestamptz
                    $local$,
                    chart.calendar
                )
                else '{{ kpi_engine.present() | replace("'", "''") }}'
            end,
            coalesce('target.' || quote_ident(chart.tenant), 'null') || '::text'
        )
        using
            chart.shown,
            chart.model,
            chart.place,
            chart.title,
            chart.unit,
            chart.grain,
            chart.step,
            p_tenant;
    end loop;
end
$$;
{% endmacro %}
