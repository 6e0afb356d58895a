{# The next instant at which time alone gives a summary table something to compute
   (a period ends or begins, a tenant starts), as an expression; null where that
   may be any. #}
{% macro next_rollover(summary, calendar) -%}
    {%- set grains = [summary.grain, summary.rollover] | select | unique
        | reject('eq', 'all') | list -%}
    {%- set begins = summary.grain == 'all' and summary.tenant -%}
    {%- set turning = ['day', 'week', 'month'] -%}
    {%- if summary.current_period == 'live' or grains | reject('in', turning) | list -%}
        null::timestamptz
    {%- else -%}
        (
            select least(
                {%- for grain in grains %}
                min({{ kpi_engine.local_instant(
                    "(date_trunc('" ~ grain ~ "', " ~ kpi_engine.present()
                    ~ " at time zone zones.timezone) + interval '1 "
                    ~ grain ~ "')",
                    'zones.timezone'
                ) }}),
                {%- endfor %}
                {%- if begins %}
                min(zones.begins_at),
                {%- endif %}
                'infinity'
            )
            -- By zone: there are few, and their clocks cost more than tenants.
            from (
                select
                    {% if begins -%}
                    min(calendar.started_at) filter (
                        where calendar.started_at > {{ kpi_engine.present() }}
                    ) as begins_at,
                    {%- endif %}
                    calendar.timezone
                from {{ calendar }} as calendar
                group by calendar.timezone
            ) as zones
            -- One that nobody knows is its tenant's failure.
            where {{ kpi_engine.runtime_schema() }}.is_time_zone(zones.timezone)
        )
    {%- endif -%}
{%- endmacro %}
