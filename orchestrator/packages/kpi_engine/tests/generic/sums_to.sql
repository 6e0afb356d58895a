{# The rows of a summary table say what `relation` says when it is counted by
   itself, grouped by tenant and local period. `columns` are the summary's, each
   with its aggregate over `relation`. A row of `relation` lies in the period of
   its moment `at` or of its date `day`; `by` are further columns of the key,
   and `absent` is what a group without rows has. Of a table that has no row
   where nothing happened, and of one without periods, each group has its row.
   What an open request is about may differ until the request is served. #}
{% test sums_to(
    model, relation, columns, at=none, day=none, by=[], absent=0
) -%}
{%- if execute -%}
{%- set node = graph.nodes[context.model.attached_node] -%}
{%- set summary = kpi_engine.summary_config(node) -%}
{%- set tenant = [summary.tenant] if summary.tenant else [] -%}
{%- set key = (tenant + ['period'] + by) | join(', ') -%}
{%- set absent = 'null' if absent is none else absent -%}
{%- set has_periods = summary.grain != 'all' -%}
{%- set is_date = summary.grain in ('day', 'week', 'month') -%}
{%- set type = 'date' if is_date else 'timestamptz' -%}
{%- set step = '1 ' ~ summary.grain if is_date else summary.grain -%}
{%- set time = kpi_engine.tested_time(node) -%}
{%- set always = "timestamptz '-infinity'" -%}
with target as (
    select * from {{ model }}
),

calendar as (
    select
        {% if tenant %}calendar.{{ tenant[0] }},{% endif %}
        calendar.timezone,
        {{ kpi_engine.period_of(summary, 'calendar.started_at', 'calendar.timezone')
            if has_periods else always }} as first_period,
        {{ kpi_engine.period_of(summary, 'models.refreshed_through', 'calendar.timezone')
            if has_periods else always }} as last_period
    from {{ kpi_engine.calendar_of(node) }} as calendar
    inner join {{ kpi_engine.runtime_schema() }}.models on models.model = '{{ node.name }}'
    where {{ kpi_engine.is_tested_tenant(summary, 'calendar.' ~ summary.tenant, time) }}
),

actual as (
    select
        {{ summary.expression if has_periods else always }} as period,
        {{ (tenant + by + columns.keys() | list) | join(', ') }}
    from target
),

dated as (
    select
        *,
        {% if not has_periods -%} {{ always }}
        {%- elif at -%} {{ kpi_engine.period_of(summary, at, 'timezone') }}
        {%- else -%} date_trunc('{{ summary.grain }}', {{ day }})::date
        {%- endif %} as period
    from {{ relation }}
    {{ 'inner join calendar using (' ~ tenant[0] ~ ')' if tenant
        else 'cross join calendar' }}
    {%- if time is not none and has_periods %}
    inner join {{ kpi_engine.around_tested(summary, time) }}
        on
            {{ at or day }} >= tested_from and {{ at or day }} < tested_until
    {%- endif %}
    where {{ kpi_engine.is_tested_tenant(summary, summary.tenant, time) }}
),

expected as (
    select
        {{ key }},
        bool_and(period between first_period and last_period
        {%- if summary.current_period == 'exclude' and has_periods %}
            and period < last_period
        {%- endif %}) as is_due
        {%- for column, aggregate in columns.items() %},
        {{ aggregate }} as {{ column }}
        {%- endfor %}
    from dated
    group by {{ key }}
),

compared as (
    select
        {{ key }},
        to_jsonb(actual) as actual,
        to_jsonb(expected) as expected
    from actual
    {{ 'left' if has_periods and summary.rows == 'every' else 'full' }}
    join expected using ({{ key }})
    where
        {{ kpi_engine.is_tested(summary, 'period', time) }}
        and (actual.period is not null or expected.is_due)
        and (
            {%- for column in columns -%}
            actual.{{ column }}{{ ", " if not loop.last }}
            {%- endfor -%}
        ) is distinct from (
            {%- for column in columns -%}
            coalesce(expected.{{ column }}, {{ absent }})
            {{- ", " if not loop.last }}
            {%- endfor -%}
        )
),

validation_errors as (
    select *
    from compared
    where {{ kpi_engine.has_no_open_request(
        node.name,
        'compared.' ~ summary.tenant if tenant else 'null',
        "(compared.period - interval '" ~ summary.window ~ "')::" ~ type
        if has_periods else 'null::timestamptz',
        "(compared.period + interval '" ~ step ~ "' - interval '1 us')::" ~ type
        if has_periods else 'null::timestamptz'
    ) }}
)

select * from validation_errors
{%- endif -%}
{%- endtest %}
