{# The rows of a summary table say what `relation` says when it is counted by
   itself, grouped by tenant and local period. `columns` are the summary's, each
   with its aggregate over `relation`. A row of `relation` lies in the period of
   its moment `at` or of its date `day`; `by` are further columns of the key,
   and `absent` is what a group without rows has.
   What an open request is about may differ until the request is served. #}
{% test sums_to(
    model, relation, columns, at=none, day=none, by=[], absent=0
) -%}
{%- if execute -%}
{%- set node = graph.nodes[context.model.attached_node] -%}
{%- set summary = summary_config(node) -%}
{%- set key = [summary.tenant, 'period'] + by -%}
{%- set absent = 'null' if absent is none else absent -%}
with target as (
    select * from {{ model }}
),

calendar as (
    select {{ summary.tenant }}, timezone
    from {{ calendar_of(node) }}
),

actual as (
    select
        {{ summary.expression }} as period,
        {{ ([summary.tenant] + by + columns.keys() | list) | join(', ') }}
    from target
),

expected as (
    select
        date_trunc(
            '{{ summary.grain }}',
            {{ at ~ ' at time zone timezone' if at else day }}
        )::date as period,
        {{ ([summary.tenant] + by) | join(', ') }}
        {%- for column, aggregate in columns.items() %},
        {{ aggregate }} as {{ column }}
        {%- endfor %}
    from {{ relation }}
    inner join calendar using ({{ summary.tenant }})
    group by {{ range(1, key | length + 1) | join(', ') }}
),

validation_errors as (
    select
        actual.*,
        to_jsonb(expected) as expected
    from actual
    left join expected using ({{ key | join(', ') }})
    where
        (
            {%- for column in columns -%}
            actual.{{ column }}{{ ", " if not loop.last }}
            {%- endfor -%}
        ) is distinct from (
            {%- for column in columns -%}
            coalesce(expected.{{ column }}, {{ absent }})
            {{- ", " if not loop.last }}
            {%- endfor -%}
        )
        and {{ has_no_open_request(
            node.name,
            'actual.' ~ summary.tenant,
            'actual.period',
            "(actual.period + interval '1 " ~ summary.grain ~ "')::date - 1"
        ) }}
)

select * from validation_errors
{%- endif -%}
{%- endtest %}
