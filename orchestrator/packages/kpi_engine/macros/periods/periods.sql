{# The relation of periods that a summary table's SQL computes, one row each:
   the tenant column, the period column, timezone, starts_at, ends_at.
   While a model runs, these are the periods it has claimed; in `dbt show` and
   `dbt compile`, where nothing is claimed, every period there is. #}
{% macro periods(calendar) -%}
    {%- if flags.WHICH in ('run', 'build', 'retry') -%}
        (select * from {{ kpi_engine.periods_table() }} where starts_at is not null)
    {%- elif execute -%}
        (
            {{ kpi_engine.period_series(
                kpi_engine.summary_config(model),
                calendar,
                '(select null::text as tenant, null::tstzrange as period,'
                ~ ' null::timestamptz as since, true as is_named,'
                ~ ' false as is_whole, false as is_build, 0 as backlog)'
            ) }}
        )
    {%- endif -%}
{%- endmacro %}
