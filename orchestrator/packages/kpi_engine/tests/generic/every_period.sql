{# A summary table has each period of each tenant, from the one in which the
   tenant began (or the first that the table remembers) to the last that it was
   refreshed for, without a gap, and has no other. The period under way is one
   of them unless `period.current_period` is `exclude`. An inactive tenant need not have
   them all.
   What an open request is about may differ until the request is served. #}
{% test every_period(model) -%}
{%- if execute -%}
{%- set node = graph.nodes[context.model.attached_node] -%}
{%- set summary = kpi_engine.summary_config(node) -%}
{%- set tenant = [summary.tenant] if summary.tenant else [] -%}
{%- set key = (tenant + ['period']) | join(', ') -%}
{%- set is_date = summary.grain in ('day', 'week', 'month') -%}
{%- set type = 'date' if is_date else 'timestamptz' -%}
{%- set step = '1 ' ~ summary.grain if is_date else summary.grain -%}
{%- set time = kpi_engine.tested_time(node) -%}
with target as (
    select * from {{ model }}
),

calendar as (
    select *
    from {{ kpi_engine.calendar_of(node) }}
    where {{ kpi_engine.is_tested_tenant(summary, summary.tenant, time) }}
),

models as (
    select * from {{ kpi_engine.runtime_schema() }}.models where model = '{{ node.name }}'
),

actual as (
    select
        {% if tenant %}{{ tenant[0] }},{% endif %}
        {{ summary.expression }} as period
    from target
),

expected as (
    select
        {% if tenant %}calendar.{{ tenant[0] }},{% endif %}
        calendar.is_active,
        series.start::{{ type }} as period
    from calendar
    cross join models
    cross join lateral generate_series(
        {{ kpi_engine.period_of(
            summary,
            "(models.refreshed_through - interval '" ~ summary.retention ~ "')"
            if summary.retention else 'calendar.started_at',
            'calendar.timezone'
        ) }},
        {{ kpi_engine.period_of(
            summary, 'models.refreshed_through', 'calendar.timezone'
        ) }} - interval '{{ step if summary.current_period == 'exclude' else '0' }}',
        interval '{{ step }}'
    ) as series (start)
),

compared as (
    select
        {{ key }},
        case
            when actual.period is null then 'missing'
            else 'not over, or before the first'
        end as problem
    from actual
    full join expected using ({{ key }})
    where
        {{ kpi_engine.is_tested(summary, 'period', time) }}
        and (
            expected.period is null
            or (actual.period is null and expected.is_active)
        )
),

validation_errors as (
    select *
    from compared
    where {{ kpi_engine.has_no_open_request(
        node.name,
        'compared.' ~ summary.tenant if tenant else 'null',
        "(compared.period - interval '" ~ summary.window ~ "')::" ~ type,
        "(compared.period + interval '" ~ step ~ "' - interval '1 us')::" ~ type
    ) }}
)

select * from validation_errors
{%- endif -%}
{%- endtest %}
