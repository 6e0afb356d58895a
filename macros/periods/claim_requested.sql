{# The statements that turn pg_temp.requests into pg_temp.claimed_periods. They
   run as they are in a pre-hook and in the body of the refresh function. #}
{% macro claim_requested(exists) -%}
    {%- set summary = summary_config(model) -%}
    {%- set calendar = calendar_of(model) -%}
    {%- if summary.turns %}
    -- With a new {{ summary.turns }} every row may be another.
    insert into pg_temp.requests (tenant)
    select distinct
        {{ 'calendar.' ~ summary.tenant if summary.tenant else 'null::uuid' }}
    from pg_temp.requests as requests
    cross join {{ calendar }} as calendar
    where
        date_trunc(
            '{{ summary.turns }}', requests.since at time zone calendar.timezone
        ) < date_trunc(
            '{{ summary.turns }}', {{ present() }} at time zone calendar.timezone
        );
    {%- endif %}
    {%- if summary.grain == 'all' %}
    update pg_temp.requests set period = null where since is null;
    {%- endif %}
    analyze pg_temp.requests;
    create temporary table claimed_periods on commit drop as
    {{ period_series(
        summary, calendar, 'pg_temp.requests', this if exists else none
    ) }};
    {%- if exists and not summary.persistent %}
    {{ _claim_strays(summary, calendar) }}
    {%- endif %}
    analyze pg_temp.claimed_periods;
    update orchestrator.models
    set next_turn = {{ next_turn(summary, calendar) }}
    where model = '{{ model.name }}'
        and current_setting('orchestrator.scope', true)
            in ('requested', 'everything');
{%- endmacro %}

{# Rows of which the calendar no longer has the tenant or the period (a tenant
   went, or moved its time zone or its first day; a table forgets) are claimed
   with nothing to compute. #}
{% macro _claim_strays(summary, calendar) -%}
    {%- set tenant = summary.tenant -%}
    {%- set has_periods = summary.grain != 'all' -%}
    insert into pg_temp.claimed_periods (
        {%- if tenant %}{{ tenant }}, {% endif -%}
        {%- if has_periods %}{{ summary.column }}, {% endif -%}
        starts_at
    )
    with strays as (
        {%- if summary.retention %}
        select {{ _place(summary) }}
        from {{ this }} as target
        where
            {{ summary.expression }}
            < {{ period_of(summary, first_instant(summary), none) }}
        {%- else %}
        select {{ _place(summary) }}
        from {{ this }} as target
        where exists (
            select from pg_temp.requests where tenant is null and period is null
        )
        {%- if tenant %}
        union all
        select {{ _place(summary) }}
        from pg_temp.requests as requests
        inner join {{ this }} as target
            on requests.tenant = target.{{ tenant }}
        where requests.period is null
        {%- endif %}
        {%- for condition in asked_of(summary) if _is_clipped(summary) %}
        union all
        select {{ _place(summary) }}
        from pg_temp.requests as requests
        inner join
            {{ tenants_asked(summary, calendar, 'pg_temp.requests', condition) }}
            as calendar on {{ condition }}
        inner join {{ this }} as target
            on
                {% if tenant -%}
                target.{{ tenant }} = calendar.{{ tenant }} and
                {%- endif %}
                ({{ summary.expression }} < {{ period_of(
                    summary, first_instant(summary), 'calendar.timezone'
                ) }}) is not false
        where
            requests.since is null
            and (lower(requests.period) < {{ first_instant(summary) }})
            is not false
        {%- endfor %}
        {%- endif %}
    )

    select distinct
        {% if tenant %}strays.tenant, {% endif -%}
        {% if has_periods %}strays.period, {% endif -%}
        null::timestamptz
    from strays
    where not exists (
        select from pg_temp.claimed_periods as periods
        where
            {{ 'periods.' ~ tenant ~ ' = strays.tenant' if tenant else 'true' }}
            {% if has_periods -%}
            and periods.{{ summary.column }} = strays.period
            {%- endif %}
    );
{%- endmacro %}

{# Where a row of the summary table lies. #}
{% macro _place(summary) -%}
    {{ 'target.' ~ summary.tenant if summary.tenant else 'null::uuid' }}
        as tenant,
        {{ summary.expression }} as period
{%- endmacro %}
