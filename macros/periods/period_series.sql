{# A select of the periods that `requests` ask of a summary table: its tenant
   column, its period column, timezone, starts_at and ends_at. A request is
   (tenant, period, since); null means every tenant, every period. #}
{% macro period_series(summary, calendar, requests, existing=none) -%}
{%- set tenant = summary.tenant -%}
{%- set earliest = 'calendar.started_at' -%}
{%- set begins = 'lower(requests.period)' -%}
select distinct
    {% if tenant %}calendar.{{ tenant }},{% endif %}
    series.local_start::date as {{ summary.column }},
    calendar.timezone,
    bounds.starts_at,
    bounds.ends_at
from {{ requests }} as requests
inner join {{ calendar }} as calendar
    on {% if tenant -%}
        requests.tenant is null or requests.tenant = calendar.{{ tenant }}
    {%- else -%} true {%- endif %}
cross join lateral (
    select
        {% if summary.rows == 'events' -%}
        case when {{ begins }} is null then {{ earliest }} else {{ begins }} end
        {%- else -%}
        greatest({{ begins }}, {{ earliest }})
        {%- endif %} as first_instant,
        least(
            upper(requests.period) - interval '1 microsecond', {{ present() }}
        ) as last_instant
) as span
cross join lateral generate_series(
    date_trunc(
        '{{ summary.grain }}',
        span.first_instant at time zone calendar.timezone
    ),
    (span.last_instant at time zone calendar.timezone)
    + interval '{{ summary.window }}',
    interval '1 {{ summary.grain }}'
) as series (local_start)
cross join lateral (
    select
        {{ local_instant('series.local_start', 'calendar.timezone') }}
            as starts_at,
        {{ local_instant(
            "(series.local_start + interval '1 " ~ summary.grain ~ "')",
            'calendar.timezone'
        ) }} as ends_at
) as bounds
where
    {{ 'bounds.ends_at' if summary.rows == 'closed' else 'bounds.starts_at' }}
    <= {{ present() }}
    {% if summary.rows == 'events' -%}
    -- Only rows make these tables: a new period has work once, as it begins.
    and (requests.since is null or bounds.starts_at > requests.since)
    {%- endif %}
    {% if existing -%}
    -- An inactive tenant keeps the periods it has and gets none by itself.
    and (
        calendar.is_active
        {% if tenant -%}
        or (requests.tenant is not null and requests.period is not null)
        {%- endif %}
        or exists (
            select from {{ existing }} as target
            where
                {% if tenant -%}
                target.{{ tenant }} = calendar.{{ tenant }} and
                {%- endif %}
                {{ summary.expression }} = series.local_start::date
        )
    )
    {%- endif %}
{%- endmacro %}
