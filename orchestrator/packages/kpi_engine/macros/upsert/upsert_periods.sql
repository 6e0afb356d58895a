{# One statement that makes the claimed periods of `target` equal to the rows
   of `computed_sql`: inserts the new, updates the different, deletes the
   deleted, touches nothing else, and notes the changed periods in the variable
   changed_periods of the function that it is part of.
   Columns in `meta.volatile_columns` say when, not what: they are written with a row,
   but never a reason to write it. #}
{% macro upsert_periods(target, computed_sql) -%}
{%- set summary = kpi_engine.summary_config(model) -%}
{%- set key = kpi_engine._column_names(config.get('unique_key')) -%}
{%- set names = kpi_engine._column_names(model.columns) -%}
{%- set volatile_columns = kpi_engine._column_names(model.config.meta.get('volatile_columns', ['computed_at'])) -%}
{%- set kept = kpi_engine._column_names(config.get('merge_exclude_columns') or []) -%}
{%- set compared = names | reject('in', volatile_columns) | reject('in', kept) | list -%}
{%- set updated = names | reject('in', key) | reject('in', kept) | list -%}
with computed as materialized (
    select
        {%- for column in model.columns.values() %}
        {%- set name = kpi_engine.column_name(model, column.name) %}
        {{ name }}::{{ column.data_type }} as {{ name }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from (
        {{ computed_sql }}
    ) as model
),

{% if not summary.persistent -%}
deleted as (
    delete from {{ target }} as target
    using {{ kpi_engine.periods_table() }} as periods
    where
        {{ kpi_engine._in_period(summary, 'target.' ~ summary.tenant, summary.expression) }}
        and not exists (
            select from computed
            where {{ kpi_engine._equal('computed', 'target', key) }}
        )
    returning {{ kpi_engine._place(summary) }}
),

{% endif -%}
-- Compared before the insert: `on conflict` locks, and so writes, every row.
differing as (
    select computed.*
    from computed
    left join {{ target }} as target
        on {{ kpi_engine._equal('target', 'computed', key) }}
    where
        ({{ kpi_engine._list('target', compared) }})
        is distinct from ({{ kpi_engine._list('computed', compared) }})
),

written as (
    insert into {{ target }} as target ({{ names | join(', ') }})
    select {{ names | join(', ') }} from differing
    -- In one order, and none before all are computed: locks are held briefly.
    order by {{ key | join(', ') }}
    on conflict ({{ key | join(', ') }}) do
    {%- for name in updated %}
        {{ "update set " if loop.first }}{{ name }} = excluded.{{ name }}
        {{- "," if not loop.last }}
    {%- else %} nothing
    {%- endfor %}
    returning {{ kpi_engine._place(summary) }}
),

changed as (
    {% if not summary.persistent -%}
    select * from deleted
    union all
    {% endif -%}
    select * from written
),

{% if summary.grain == 'all' -%}
noted as (
    select
        changed.tenant::text as tenant,
        lower(affected.period) as starts_at,
        upper(affected.period) as ends_at,
        count(*) as row_count
    from changed
    cross join {{ kpi_engine.runtime_schema() }}.affected_range(
        changed.period, changed.period
    ) as affected (period)
    group by changed.tenant, affected.period
)
{%- else -%}
noted as (
    select
        changed.tenant::text as tenant,
        periods.starts_at,
        periods.ends_at,
        count(*) as row_count
    from changed
    inner join {{ kpi_engine.periods_table() }} as periods
        on {{ kpi_engine._in_period(summary, 'changed.tenant', 'changed.period') }}
    group by changed.tenant, periods.starts_at, periods.ends_at
)
{%- endif %}

select array_agg(
    (
        noted.tenant, noted.starts_at, noted.ends_at, noted.row_count
    )::{{ kpi_engine.runtime_schema() }}.changed_period
)
into changed_periods
from noted
{%- endmacro %}

{% macro _column_names(names) -%}
    {%- set quoted = [] -%}
    {%- for name in ([names] if names is string else names) -%}
        {%- do quoted.append(kpi_engine.column_name(model, name)) -%}
    {%- endfor -%}
    {%- do return(quoted) -%}
{%- endmacro %}

{# Whether the tenant and the period are those of a row of `periods`. #}
{% macro _in_period(summary, tenant, period) -%}
    {{ tenant ~ ' = periods.' ~ summary.tenant if summary.tenant else 'true' }}
    {%- if summary.grain != 'all' %}
        and {{ period }} = periods.{{ summary.column }}
    {%- endif -%}
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
