{# A trend of a summary table is the change of the column `of` against the
   tenant's row of the period before, as both stand in the table: in percent, or
   in points. Null where there is no such row, or nothing to compare with. #}
{% test trend_of(model, column_name, of, in_points=false) -%}
{%- if execute -%}
{%- set summary = summary_config(graph.nodes[context.model.attached_node]) -%}
with target as (
    select * from {{ model }}
),

-- The frame is the one row that lies exactly a period back, if there is one.
compared as (
    select
        {{ summary.tenant }},
        {{ summary.expression }} as period,
        {{ column_name }} as trend,
        {{ of }} as current,
        max({{ of }}) over (
            partition by {{ summary.tenant }}
            order by {{ summary.expression }}
            range between interval '1 {{ summary.grain }}' preceding
            and interval '1 {{ summary.grain }}' preceding
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
    select * from recomputed where trend is distinct from expected
)

select * from validation_errors
{%- endif -%}
{%- endtest %}
