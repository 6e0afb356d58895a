{# A trend of a summary table is the change of the column `of` against the
   tenant's row of the period before, as both stand in the table: in percent, or
   in points; `by` are further columns of the key. Null where there is no such
   row, or nothing to compare with. #}
{% test trend_of(model, column_name, of, in_points=false, by=[]) -%}
{%- if execute -%}
{%- set node = graph.nodes[context.model.attached_node] -%}
{%- set summary = kpi_engine.summary_config(node) -%}
{%- set owner = ([summary.tenant] if summary.tenant else []) + by -%}
{%- set is_date = summary.grain in ('day', 'week', 'month') -%}
{%- set step = '1 ' ~ summary.grain if is_date else summary.grain -%}
{%- set time = kpi_engine.tested_time(node) -%}
with target as (
    {% if time is none -%}
    select * from {{ model }}
    {%- else -%}
    -- Also what `model` leaves out: the period before one that is to be tested.
    select target.*
    from {{ kpi_engine.relation_of(node) }} as target
    where
        {{ kpi_engine.is_tested_tenant(summary, 'target.' ~ summary.tenant, time) }}
        and (
            {{ kpi_engine.is_tested(summary, summary.expression, time) }}
            or {{ kpi_engine.is_tested(
                summary,
                '(' ~ summary.expression ~ " + interval '" ~ step ~ "')"
                ~ ('::date' if is_date else ''),
                time
            ) }}
        )
    {%- endif %}
),

-- The frame is the one row that lies exactly a period back, if there is one.
compared as (
    select
        {{ (owner + [summary.expression ~ ' as period']) | join(', ') }},
        {{ column_name }} as trend,
        {{ of }} as current,
        max({{ of }}) over (
            {% if owner %}partition by {{ owner | join(', ') }}{% endif %}
            order by {{ summary.expression }}
            range between interval '{{ step }}' preceding
            and interval '{{ step }}' preceding
        ) as previous
    from target
),

recomputed as (
    select
        *,
        {% if in_points -%}
        current - previous as expected
        {%- else -%}
        case
            when previous <> 0
                then round(100.0 * current / previous - 100, 2)
        end as expected
        {%- endif %}
    from compared
),

validation_errors as (
    select *
    from recomputed
    where
        trend is distinct from expected
        and {{ kpi_engine.is_tested(summary, 'period', time) }}
)

select * from validation_errors
{%- endif -%}
{%- endtest %}
