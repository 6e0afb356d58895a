{# A select of the source tables that have rows from before their tenant's first
   day, by a calendar (its node): `source`, how many `early_rows`, the `earliest`.
   Summary tables with a row for every period begin with that day, and show
   nothing of these. A row is early where a moment is that its source's
   `meta.capture` names; a date is a day somewhere on Earth, so that one just
   before the first may pass. #}
{% macro rows_before_first_day(calendar) -%}
    {%- set relation = kpi_engine.relation_of(calendar) -%}
    {%- set selects = {} -%}
    {%- for node in graph.nodes.values() if kpi_engine.is_summary(node)
        and kpi_engine.calendar_of(node) == relation and kpi_engine._is_clipped(kpi_engine.summary_config(node)) -%}
        {%- set summary = kpi_engine.summary_config(node) -%}
        {%- for source in kpi_engine.lineage_of(node).sources -%}
            {%- do selects.update({
                kpi_engine.source_relation(source): kpi_engine._early_rows(source, summary, relation)
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for select in selects.values() | select -%}
        {{ select }}
        {{- "\nunion all\n" if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro _early_rows(source, summary, calendar) -%}
    {%- set capture = source.config.meta.get('capture') or {} -%}
    {%- set tenant = capture.get('tenant') -%}
    {%- set tenant = tenant.get(summary.tenant_name) if tenant is mapping else tenant -%}
    {%- set moments = capture.get('at', []) + capture.get('span', [])[:1] -%}
    {%- if moments and (tenant or not summary.tenant) -%}
select
    '{{ kpi_engine.source_relation(source) }}' as source,
    sum(early.early_rows)::bigint as early_rows,
    min(early.earliest) as earliest
from {{ calendar }} as calendar
cross join lateral (
    select {{ kpi_engine.local_instant(
        "date_trunc('day', calendar.started_at at time zone calendar.timezone)",
        'calendar.timezone'
    ) }} as starts_at
) as first_day
cross join lateral (
    select
        count(*) as early_rows,
        min(least(
            {%- for moment in moments %}
            lower({{ kpi_engine._affected_by(source, moment, moment) }}){{ ',' if not loop.last }}
            {%- endfor %}
        )) as earliest
    from {{ kpi_engine.source_relation(source) }} as changed
    where
        {% if summary.tenant -%}
        {{ kpi_engine._of_changed(source, tenant) }} = calendar.{{ summary.tenant }} and
        {%- endif %}
        (
            {%- for moment in moments %}
            upper({{ kpi_engine._affected_by(source, moment, moment) }}) <= first_day.starts_at
            {{- ' or' if not loop.last }}
            {%- endfor %}
        )
) as early
having sum(early.early_rows) > 0
    {%- endif -%}
{%- endmacro %}
