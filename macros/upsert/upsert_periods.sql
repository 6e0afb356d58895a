{# One statement that makes the claimed periods of `target` equal to the rows
   of `computed_sql`: inserts the new, updates the different, deletes the
   vanished, touches nothing else, and notes the changed periods.
   Columns in `meta.stamps` say when, not what: they are written with a row,
   but never a reason to write it. #}
{% macro upsert_periods(target, computed_sql) -%}
{%- set summary = summary_config(model) -%}
{%- set key = config.get('unique_key') -%}
{%- set columns = model.columns.values() | list -%}
{%- set names = columns | map(attribute='name') | list -%}
{%- set stamps = model.config.meta.get('stamps', ['computed_at']) -%}
{%- set kept = config.get('merge_exclude_columns') or [] -%}
{%- set compared = names | reject('in', stamps) | reject('in', kept) | list -%}
{%- set updated = names | reject('in', key) | reject('in', kept) | list -%}
with computed as materialized (
    select
        {%- for column in columns %}
        {{ column.name }}::{{ column.data_type }} as {{ column.name }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from (
        {{ computed_sql }}
    ) as model
),

vanished as (
    delete from {{ target }} as target
    using pg_temp.claimed_periods as periods
    where
        {% if summary.tenant -%}
        target.{{ summary.tenant }} = periods.{{ summary.tenant }} and
        {%- endif %}
        {{ summary.expression }} = periods.{{ summary.column }}
        and not exists (
            select from computed
            where {{ _equal('computed', 'target', key) }}
        )
    returning
        {{ 'target.' ~ summary.tenant if summary.tenant else 'null::uuid' }}
            as tenant,
        {{ summary.expression }} as period
),

-- Compared before the insert: `on conflict` locks, and so writes, every row.
differing as (
    select computed.*
    from computed
    left join {{ target }} as target
        on {{ _equal('target', 'computed', key) }}
    where
        ({{ _list('target', compared) }})
        is distinct from ({{ _list('computed', compared) }})
),

written as (
    insert into {{ target }} as target ({{ names | join(', ') }})
    select {{ names | join(', ') }} from differing
    on conflict ({{ key | join(', ') }}) do update set
        {%- for name in updated %}
        {{ name }} = excluded.{{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    returning
        {{ 'target.' ~ summary.tenant if summary.tenant else 'null::uuid' }}
            as tenant,
        {{ summary.expression }} as period
),

changed as (
    select * from vanished
    union all
    select * from written
)

insert into pg_temp.changed_periods (tenant, starts_at, ends_at, row_count)
select changed.tenant, periods.starts_at, periods.ends_at, count(*)
from changed
inner join pg_temp.claimed_periods as periods
    on changed.period = periods.{{ summary.column }}
    {% if summary.tenant -%}
    and changed.tenant = periods.{{ summary.tenant }}
    {%- endif %}
group by changed.tenant, periods.starts_at, periods.ends_at
{%- endmacro %}

{% macro _list(relation, names) -%}
    {%- for name in names -%}
        {{ relation }}.{{ name }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro _equal(left, right, names) -%}
    {%- for name in names -%}
        {{ left }}.{{ name }} = {{ right }}.{{ name }}
        {{- " and " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
