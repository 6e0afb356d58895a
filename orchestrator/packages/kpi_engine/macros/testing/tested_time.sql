{# In which time the rows lie that were changed of a summary table, for the tests that a
   worker runs: {time: a tstzmultirange, first_day, last_day: the local days of which
   one can lie in it; null: open, tenants: an array of theirs; null: all}. That is by
   this run, or by those of the database since a moment. None where everything is to be
   tested: in any other run, and where a build made a new table. #}
{% macro tested_time(node) -%}
    {%- set asked = dbt_metadata_envs.get('TESTS') or '' -%}
    {%- if not execute or not asked.startswith('of changes')
        or not kpi_engine.is_summary(node) -%}
        {%- do return(none) -%}
    {%- endif -%}
    {%- set since = asked.partition(' since ')[2] -%}
    {%- set rows = run_query("
        with runs as (
            select changed, changed_tenants
            from " ~ kpi_engine.runtime_schema() ~ ".job_runs
            where
                job = '" ~ node.name ~ "'
                and status = 'success'
                and rows_changed > 0
                and " ~ (
                    "started_at >= '" ~ since ~ "' and executor = 'database'" if since
                    else "invocation = '" ~ invocation_id ~ "'"
                ) ~ "
        ),

        tested as (
            select
                case
                    when count(*) = 0 then '{}'
                    when bool_and(changed is not null) then range_agg(changed)
                end as time,
                bool_and(changed_tenants is not null) as is_of_some
            from runs
        )

        select
            time::text,
            (lower(time) at time zone 'UTC' - interval '14 hours')::date::text,
            (upper(time) at time zone 'UTC' + interval '12 hours')::date::text,
            case
                when is_of_some then (
                    select array_agg(distinct tenant)
                    from runs
                    cross join unnest(runs.changed_tenants) as tenant
                )::text
            end
        from tested
    ") -%}
    {%- if rows[0][0] is none -%}
        {%- do return(none) -%}
    {%- endif -%}
    {%- do return({
        'time': rows[0][0],
        'first_day': rows[0][1],
        'last_day': rows[0][2],
        'tenants': rows[0][3],
    }) -%}
{%- endmacro %}
