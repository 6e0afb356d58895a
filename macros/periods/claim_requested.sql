{# The statements that turn pg_temp.requests into pg_temp.claimed_periods. They
   run as they are in a pre-hook and in the body of the refresh function. #}
{% macro claim_requested(exists) -%}
    {%- set summary = summary_config(model) -%}
    {%- set calendar = calendar_of(model) -%}
    create temporary table claimed_periods on commit drop as
    {{ period_series(
        summary, calendar, 'pg_temp.requests', this if exists else none
    ) }};
    {% if exists -%}
    -- Rows whose period is no more (a tenant moved its time zone or its first
    -- day) are looked at where a whole tenant, or all, is asked for.
    insert into pg_temp.claimed_periods (
        {%- if summary.tenant %}{{ summary.tenant }}, {% endif -%}
        {{ summary.column }}
    )
    select distinct
        {% if summary.tenant %}target.{{ summary.tenant }},{% endif %}
        {{ summary.expression }}
    from {{ this }} as target
    where
        exists (select from pg_temp.requests where period is null)
        and exists (
            select from pg_temp.requests
            where
                requests.period is null
                {% if summary.tenant -%}
                and (
                    requests.tenant is null
                    or requests.tenant = target.{{ summary.tenant }}
                )
                {%- endif %}
        )
        and not exists (
            select from pg_temp.claimed_periods as periods
            where
                {% if summary.tenant -%}
                periods.{{ summary.tenant }} = target.{{ summary.tenant }} and
                {%- endif %}
                periods.{{ summary.column }} = {{ summary.expression }}
        );
    {%- endif %}
    analyze pg_temp.claimed_periods;
{%- endmacro %}
