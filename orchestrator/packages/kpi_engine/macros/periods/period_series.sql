{# A select of the periods that `requests` ask of a summary table: its tenant
   column, its period column, timezone, starts_at and ends_at. For the columns of
   `requests` see the type claimed_request. #}
{% macro period_series(summary, calendar, requests, existing=none) -%}
    {%- for condition in kpi_engine.asked_of(summary) -%}
        {%- if summary.grain == 'all' -%}
            {{ kpi_engine._tenants(summary, calendar, requests, condition) }}
        {%- else -%}
            {{ kpi_engine._periods(summary, calendar, requests, condition, existing) }}
        {%- endif -%}
        {{ "\nunion\n" if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# How a request finds its tenants: by name, or as one of all. Two conditions,
   since an `or` in a join would compare every request with every tenant. #}
{% macro asked_of(summary) -%}
    {%- do return([
        'requests.tenant::' ~ summary.tenant_type ~ ' = calendar.' ~ summary.tenant,
        'requests.tenant is null',
    ] if summary.tenant else ['true']) -%}
{%- endmacro %}

{# The calendar of those that requests name, or of all. A calendar may be a view
   that PostgreSQL cannot merge into a join: it would look at every tenant, if
   these were not picked out before. #}
{% macro tenants_asked(summary, calendar, requests, condition) -%}
    {%- if summary.tenant and condition == kpi_engine.asked_of(summary)[0] -%}
        (
    select * from {{ calendar }} as tenants
    where
        tenants.{{ summary.tenant }}
        = any(array(
            select requests.tenant::{{ summary.tenant_type }}
            from {{ requests }} as requests
        ))
)
    {%- else -%}
        {{ calendar }}
    {%- endif -%}
{%- endmacro %}

{# The period that an instant lies in, as the period column has it. #}
{% macro period_of(summary, instant, timezone) -%}
    {%- if summary.grain in ('day', 'week', 'month') -%}
        date_trunc(
            '{{ summary.grain }}', {{ instant }} at time zone {{ timezone }}
        )::date
    {%- else -%}
        date_bin('{{ summary.grain }}', {{ instant }}, '2000-01-01 00:00Z')
    {%- endif -%}
{%- endmacro %}

{# The instant before which a tenant has no periods; null where it has none at all.
   A first day that no real one is says nothing where each day has a row. #}
{% macro first_instant(summary) -%}
    {%- if summary.retention -%}
        {{ kpi_engine.present() }} - interval '{{ summary.retention }}'
    {%- elif kpi_engine._is_clipped(summary) -%}
        case
            when calendar.started_at >= {{ kpi_engine.earliest_instant() }}
                then calendar.started_at
        end
    {%- else -%}
        case
            when calendar.started_at is not null
                then greatest(calendar.started_at, {{ kpi_engine.earliest_instant() }})
        end
    {%- endif -%}
{%- endmacro %}

{# Whether what is asked for is compared with the tenant's first instant. Not
   where rows make the tenant's periods: then it is its first row, costly to
   find, and looked up only where the whole past is asked for. #}
{% macro _is_clipped(summary) -%}
    {%- do return(summary.grain != 'all' and summary.rows != 'some') -%}
{%- endmacro %}

{% macro _tenants(summary, calendar, requests, condition) -%}
select distinct
    {% if summary.tenant %}calendar.{{ summary.tenant }},{% endif %}
    calendar.timezone,
    {% if summary.tenant -%}
    case
        when calendar.started_at <= {{ kpi_engine.present() }} then calendar.started_at
    end as starts_at,
    {%- else -%}
    timestamptz '-infinity' as starts_at,
    {%- endif %}
    timestamptz 'infinity' as ends_at
from {{ requests }} as requests
inner join {{ kpi_engine.tenants_asked(summary, calendar, requests, condition) }} as calendar
    on {{ condition }}
{%- if summary.current_period != 'live' %}
where
    requests.since is null
    {%- if summary.tenant %}
    or (
        calendar.started_at > requests.since
        and calendar.started_at <= {{ kpi_engine.present() }}
    )
    {%- endif %}
{%- endif %}
{%- endmacro %}

{% macro _periods(summary, calendar, requests, condition, existing) -%}
{%- set tenant = summary.tenant -%}
{%- set is_local = summary.grain in ('day', 'week', 'month') -%}
{%- set length = '1 ' ~ summary.grain if is_local else summary.grain -%}
{%- set period = 'series.start::date' if is_local else 'series.start' -%}
select distinct
    {% if tenant %}calendar.{{ tenant }},{% endif %}
    {{ period }} as {{ summary.column }},
    calendar.timezone,
    bounds.starts_at,
    bounds.ends_at
from {{ requests }} as requests
inner join {{ kpi_engine.tenants_asked(summary, calendar, requests, condition) }} as calendar
    on {{ condition }}
cross join lateral (
    select
        {% if kpi_engine._is_clipped(summary) or summary.retention -%}
        greatest(lower(requests.period), {{ kpi_engine.first_instant(summary) }})
        {%- else -%}
        case
            when lower(requests.period) is not null
                and requests.is_whole is not true
                and (requests.backlog > 0) is not true
                then greatest(lower(requests.period), {{ kpi_engine.earliest_instant() }})
            -- All, or a part of all, which may lie before a tenant's first row.
            when calendar.started_at is not null
                then greatest(
                    lower(requests.period),
                    calendar.started_at,
                    {{ kpi_engine.earliest_instant() }}
                )
        end
        {%- endif %} as first_instant,
        least(
            upper(requests.period) - interval '1 microsecond', {{ kpi_engine.present() }}
        ) as last_instant
) as span
{% if is_local -%}
cross join lateral generate_series(
    date_trunc(
        '{{ summary.grain }}',
        span.first_instant at time zone calendar.timezone
    ),
    (span.last_instant at time zone calendar.timezone)
    + {{ kpi_engine._window(summary) }},
    interval '{{ length }}'
) as series (start)
cross join lateral (
    select
        {{ kpi_engine.local_instant('series.start', 'calendar.timezone') }} as starts_at,
        {{ kpi_engine.local_instant(
            "(series.start + interval '" ~ length ~ "')", 'calendar.timezone'
        ) }} as ends_at
) as bounds
{%- else -%}
cross join lateral generate_series(
    {{ kpi_engine.period_of(summary, 'span.first_instant', none) }},
    span.last_instant + {{ kpi_engine._window(summary) }},
    interval '{{ length }}'
) as series (start)
cross join lateral (
    select
        series.start as starts_at,
        series.start + interval '{{ length }}' as ends_at
) as bounds
{%- endif %}
where
    {{ 'bounds.ends_at' if summary.current_period == 'exclude' else 'bounds.starts_at' }}
    <= {{ kpi_engine.present() }}
    {% if kpi_engine._is_clipped(summary) -%}
    and {{ kpi_engine.first_instant(summary) }} is not null
    {%- endif %}
    {% if summary.current_period == 'include' -%}
    -- Only rows change a period under way: the clock asks once, as it begins.
    and (requests.since is null or bounds.starts_at > requests.since)
    {%- endif %}
    {% if existing and summary.frozen -%}
    and not (
        bounds.ends_at <= {{ kpi_engine.present() }}
        and {{ kpi_engine._has_row(summary, existing, period) }}
    )
    {%- endif %}
    {% if existing -%}
    -- An inactive tenant keeps the periods it has, or of which a table that
    -- this one reads has rows, and gets none by itself.
    and (
        calendar.is_active
        or requests.is_build
        {% if tenant -%}
        or (
            requests.is_named is not false
            and requests.tenant is not null
            and requests.period is not null
        )
        {%- endif %}
        or {{ kpi_engine._has_row(summary, existing, period) }}
        {%- for upstream in kpi_engine._upstream_of_same_tenant(summary) if is_local %}
        or exists (
            select from {{ upstream.relation }} as target
            where
                target.{{ tenant }} = calendar.{{ tenant }}
                and {{ upstream.expression }} >= {{ period }}
                and {{ upstream.expression }}
                < series.start + interval '{{ length }}'
        )
        {%- endfor %}
    )
    {%- endif %}
{%- endmacro %}

{# Of the summary tables that a model reads, those of its tenants' local periods:
   each as summary_config gives it, with its `relation`. #}
{% macro _upstream_of_same_tenant(summary) -%}
    {%- set found = [] -%}
    {%- for name in kpi_engine.lineage_of(model).upstream if summary.tenant -%}
        {%- for node in graph.nodes.values() if node.name == name
            and node.resource_type == 'model' -%}
            {%- set upstream = kpi_engine.summary_config(node) -%}
            {%- if upstream.tenant == summary.tenant
                and upstream.grain in ('day', 'week', 'month') -%}
                {%- do found.append(
                    dict(upstream, relation=kpi_engine.relation_of(node))
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do return(found) -%}
{%- endmacro %}

{# How far after what has changed rows still read it. After the rest of a request
   lies what is computed already. #}
{% macro _window(summary) -%}
    {%- if summary.window == '0' -%}
        interval '0'
    {%- else -%}
        case
            when requests.backlog > 0 then interval '0'
            else interval '{{ summary.window }}'
        end
    {%- endif -%}
{%- endmacro %}

{% macro _has_row(summary, existing, period) -%}
    exists (
        select from {{ existing }} as target
        where
            {% if summary.tenant -%}
            target.{{ summary.tenant }} = calendar.{{ summary.tenant }} and
            {%- endif %}
            {{ summary.expression }} = {{ period }}
    )
{%- endmacro %}
