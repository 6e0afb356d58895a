{# The statements that turn the requests p_requests into the rows of the table of
   periods, and count them in `number`: the body of the function that claims. #}
{% macro claim_requested(summary, calendar) -%}
    {%- set table = kpi_engine.periods_table() -%}
    {%- set request = kpi_engine.runtime_schema() ~ '.claimed_request' -%}
    {%- if summary.rollover %}
    -- With a new {{ summary.rollover }} every row may be another.
    p_requests := p_requests || array(
        select distinct (
            {{ 'calendar.' ~ summary.tenant if summary.tenant else 'null' }},
            null, null, null, null, null, null, null
        )::{{ request }}
        from unnest(p_requests) as requests
        cross join {{ calendar }} as calendar
        where
            {% if summary.tenant -%}
            (
                requests.tenant::{{ summary.tenant_type }} = calendar.{{ summary.tenant }}
            ) is not false and
            {%- endif %}
            (
                date_trunc(
                    '{{ summary.rollover }}',
                    requests.since at time zone calendar.timezone
                ) < date_trunc(
                    '{{ summary.rollover }}',
                    {{ kpi_engine.present() }} at time zone calendar.timezone
                )
                or current_setting('{{ kpi_engine.runtime_schema() }}.went_back', true) = 'yes'
            )
    );
    {%- endif %}
    {%- if summary.grain == 'all' %}
    p_requests := array(
        select (
            requests.tenant,
            case when requests.since is not null then requests.period end,
            requests.since, requests.is_named, requests.is_whole, requests.is_build,
            requests.backlog, requests.requested_at
        )::{{ request }}
        from unnest(p_requests) as requests
    );
    {%- endif %}
    insert into {{ table }}
    {{ kpi_engine.period_series(summary, calendar, 'unnest(p_requests)', this) }};
    number := (select count(starts_at) from {{ table }});
    {%- if not summary.persistent %}
    if {{ kpi_engine._may_have_orphaned_rows(summary, calendar) }} then
        {{ kpi_engine._claim_orphaned_rows(summary, calendar) }}
    end if;
    {%- endif %}
    perform {{ kpi_engine.runtime_schema() }}.analyze_periods('{{ table }}', number);
    if current_setting('{{ kpi_engine.runtime_schema() }}.scope', true)
        in ('requested', 'everything')
    then
        {{ kpi_engine._note_next_rollover(summary, calendar) }}
    end if;
{%- endmacro %}

{# Before the next rollover only the tenants that requests name can have brought it
   forward: with a first day, or another time zone. #}
{% macro _note_next_rollover(summary, calendar) -%}
    {%- set all = kpi_engine.next_rollover(summary, calendar) -%}
    {%- if all.startswith('null') or not summary.tenant -%}
        update {{ kpi_engine.runtime_schema() }}.models
        set next_rollover = {{ all }}
        where model = '{{ model.name }}'
            and next_rollover is distinct from {{ all }};
    {%- else -%}
        if exists (
            select
            from {{ kpi_engine.runtime_schema() }}.models
            where
                model = '{{ model.name }}'
                and next_rollover > {{ kpi_engine.present() }}
                and not exists (
                    select from unnest(p_requests) as requests
                    where requests.tenant is null
                )
        ) then
            update {{ kpi_engine.runtime_schema() }}.models
            set next_rollover = named.next_rollover
            from (
                select {{ kpi_engine.next_rollover(summary, kpi_engine.tenants_asked(
                    summary, calendar, 'unnest(p_requests)', kpi_engine.asked_of(summary)[0]
                )) }} as next_rollover
            ) as named
            where
                models.model = '{{ model.name }}'
                and named.next_rollover < models.next_rollover;
        else
            update {{ kpi_engine.runtime_schema() }}.models
            set next_rollover = {{ all }}
            where model = '{{ model.name }}';
        end if;
    {%- endif -%}
{%- endmacro %}

{# Rows of which the calendar no longer has the tenant or the period (a tenant
   went, or moved its time zone or its first day; a table forgets; a clock was
   ahead) are claimed with nothing to compute. #}
{% macro _claim_orphaned_rows(summary, calendar) -%}
    {%- set tenant = summary.tenant -%}
    {%- set has_periods = summary.grain != 'all' -%}
    insert into {{ kpi_engine.periods_table() }} (
        {%- if tenant %}{{ tenant }}, {% endif -%}
        {%- if has_periods %}{{ summary.column }}, {% endif -%}
        starts_at
    )
    with orphaned as (
        {{ kpi_engine._orphaned_rows(summary, calendar) | join('\nunion all\n') }}
    )

    select distinct
        {% if tenant %}orphaned.tenant, {% endif -%}
        {% if has_periods %}orphaned.period, {% endif -%}
        null::timestamptz
    from orphaned
    where not exists (
        select from {{ kpi_engine.periods_table() }} as periods
        where
            {{ 'periods.' ~ tenant ~ ' = orphaned.tenant' if tenant else 'true' }}
            {% if has_periods -%}
            and periods.{{ summary.column }} = orphaned.period
            {%- endif %}
    );
{%- endmacro %}

{# Whether there may be any: of few requests it need not be asked. #}
{% macro _may_have_orphaned_rows(summary, calendar) -%}
    {%- if summary.retention -%}
        true
    {%- else -%}
        exists (
            select from unnest(p_requests) where backlog > 0 or {{ kpi_engine._is_whole() }}
        )
        {%- for condition in kpi_engine.asked_of(summary) if kpi_engine._is_clipped(summary) %}
        or exists (
            select
            from unnest(p_requests) as requests
            inner join {{ kpi_engine.tenants_asked(
                summary, calendar, 'unnest(p_requests)', condition
            ) }} as calendar on {{ condition }}
            where
                requests.since is null
                and (lower(requests.period) < {{ kpi_engine.first_instant(summary) }})
                is not false
        )
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# Selects of the rows that requests may find without a tenant or a period. #}
{% macro _orphaned_rows(summary, calendar) -%}
    {%- set tenant = summary.tenant -%}
    {%- set found = [] -%}
    {%- if summary.retention -%}
        {%- do found.append(kpi_engine._forgotten_rows(summary)) -%}
    {%- elif tenant -%}
        {%- do found.append(kpi_engine._rows_of_nobody(summary, calendar, true)) -%}
        {%- do found.append(kpi_engine._rows_of_nobody(summary, calendar, false)) -%}
    {%- endif -%}
    {%- if summary.grain != 'all' and not summary.retention
        and not summary.frozen -%}
        {%- for condition in kpi_engine.asked_of(summary) -%}
            {%- do found.append(
                kpi_engine._rows_in_no_period(summary, calendar, condition)
            ) -%}
            {%- if kpi_engine._is_clipped(summary) -%}
                {%- do found.append(
                    kpi_engine._rows_before_the_first(summary, calendar, condition)
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if not found -%}
        {%- do found.append(
            'select ' ~ kpi_engine._place(summary) ~ ' from ' ~ this
            ~ ' as target where false'
        ) -%}
    {%- endif -%}
    {%- do return(found) -%}
{%- endmacro %}

{% macro _forgotten_rows(summary) -%}
select {{ kpi_engine._place(summary) }}
from {{ this }} as target
where
    {{ summary.expression }}
    < {{ kpi_engine.period_of(summary, kpi_engine.first_instant(summary), none) }}
    -- What was computed by a clock that was ahead.
    or (
        current_setting('{{ kpi_engine.runtime_schema() }}.went_back', true) = 'yes'
        and {{ summary.expression }} > {{ kpi_engine.present() }}
    )
{%- endmacro %}

{# Of tenants that are gone: of all of them, where everybody was asked for, or of
   one that was. #}
{% macro _rows_of_nobody(summary, calendar, of_all) -%}
select {{ kpi_engine._place(summary) }}
from {{ this }} as target
{%- if of_all %}
where
    exists (
        select from unnest(p_requests)
        where tenant is null and {{ kpi_engine._is_whole() }}
    )
{%- else %}
inner join unnest(p_requests) as requests
    on target.{{ summary.tenant }} = requests.tenant::{{ summary.tenant_type }}
where
    {{ kpi_engine._is_whole() }}
{%- endif %}
    and not exists (
        select from {{ calendar }} as calendar
        where calendar.{{ summary.tenant }} = target.{{ summary.tenant }}
    )
{%- endmacro %}

{# Within the time of a request for everything, or of the rest of a long one. #}
{% macro _rows_in_no_period(summary, calendar, condition) -%}
select {{ kpi_engine._place(summary) }}
from unnest(p_requests) as requests
inner join {{ kpi_engine.tenants_asked(summary, calendar, 'unnest(p_requests)', condition) }}
    as calendar on {{ condition }}
inner join {{ this }} as target
    on
        {% if summary.tenant -%}
        target.{{ summary.tenant }} = calendar.{{ summary.tenant }} and
        {%- endif %}
        ({{ summary.expression }} >= {{ kpi_engine.period_of(
            summary, 'lower(requests.period)', 'calendar.timezone'
        ) }}) is not false
        and ({{ summary.expression }} <= {{ kpi_engine.period_of(
            summary,
            "(upper(requests.period) - interval '1 microsecond')",
            'calendar.timezone'
        ) }}) is not false
where requests.backlog > 0 or {{ kpi_engine._is_whole('requests.') }}
{%- endmacro %}

{% macro _rows_before_the_first(summary, calendar, condition) -%}
select {{ kpi_engine._place(summary) }}
from unnest(p_requests) as requests
inner join {{ kpi_engine.tenants_asked(summary, calendar, 'unnest(p_requests)', condition) }}
    as calendar on {{ condition }}
inner join {{ this }} as target
    on
        {% if summary.tenant -%}
        target.{{ summary.tenant }} = calendar.{{ summary.tenant }} and
        {%- endif %}
        ({{ summary.expression }} < {{ kpi_engine.period_of(
            summary, kpi_engine.first_instant(summary), 'calendar.timezone'
        ) }}) is not false
where
    requests.since is null
    and (lower(requests.period) < {{ kpi_engine.first_instant(summary) }}) is not false
{%- endmacro %}

{# Whether a request is for everything until some time, or a slice of such a one. #}
{% macro _is_whole(prefix='') -%}
    (
        {{ prefix }}is_whole
        or (lower({{ prefix }}period) is null and {{ prefix }}since is null)
    )
{%- endmacro %}

{# Where a row of the summary table lies. #}
{% macro _place(summary) -%}
    {{ 'target.' ~ summary.tenant if summary.tenant else 'null::text' }}
        as tenant,
        {{ summary.expression }} as period
{%- endmacro %}
