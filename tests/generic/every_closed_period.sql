{# A summary table has each period of each tenant, from the one in which the
   tenant began to the last that was over at the table's last refresh, without
   a gap, and has no other. An inactive tenant need not have them all.
   What an open request is about may differ until the request is served. #}
{% test every_closed_period(model) -%}
{%- if execute -%}
{%- set node = graph.nodes[context.model.attached_node] -%}
{%- set summary = summary_config(node) -%}
with target as (
    select * from {{ model }}
),

calendar as (
    select * from {{ calendar_of(node) }}
),

models as (
    select * from orchestrator.models where model = '{{ node.name }}'
),

actual as (
    select
        {{ summary.tenant }},
        {{ summary.expression }} as period
    from target
),

expected as (
    select
        calendar.{{ summary.tenant }},
        calendar.is_active,
        series.local_start::date as period
    from calendar
    cross join models
    cross join lateral generate_series(
        date_trunc(
            '{{ summary.grain }}',
            calendar.started_at at time zone calendar.timezone
        ),
        date_trunc(
            '{{ summary.grain }}',
            models.refreshed_through at time zone calendar.timezone
        ) - interval '1 {{ summary.grain }}',
        interval '1 {{ summary.grain }}'
    ) as series (local_start)
),

compared as (
    select
        {{ summary.tenant }},
        period,
        case
            when actual.period is null then 'missing'
            else 'not over, or before the first'
        end as problem
    from actual
    full join expected using ({{ summary.tenant }}, period)
    where
        expected.period is null
        or (actual.period is null and expected.is_active)
),

validation_errors as (
    select *
    from compared
    where {{ has_no_open_request(
        node.name,
        'compared.' ~ summary.tenant,
        'compared.period',
        "(compared.period + interval '1 " ~ summary.grain ~ "')::date - 1"
    ) }}
)

select * from validation_errors
{%- endif -%}
{%- endtest %}
