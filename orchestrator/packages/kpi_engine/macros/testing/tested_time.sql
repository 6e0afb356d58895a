{# In which time the rows lie that this run changed of a summary table, for the
   tests that a worker runs: {time: a tstzmultirange, first_day, last_day: the
   local days of which one can lie in it; null: open, tenants: an array of
   theirs; null: all}. None where everything is to be tested: in any other run,
   and where a build made the table again. #}
{% macro tested_time(node) -%}
    {%- if not execute or dbt_metadata_envs.get('TESTS') != 'of changes'
        or not kpi_engine.is_summary(node) -%}
        {%- do return(none) -%}
    {%- endif -%}
    {%- set rows = run_query("
        with run as (
            select changed, changed_tenants
            from " ~ kpi_engine.runtime_schema() ~ ".job_runs
            where
                job = '" ~ node.name ~ "'
                and invocation = '" ~ invocation_id ~ "'
                and status = 'success'
            order by id desc
            limit 1
        ),

        tested as (
            select
                case
                    when exists (select from run) then (select changed from run)
                    else '{}'
                end as time
        )

        select
            time::text,
            (lower(time) at time zone 'UTC' - interval '14 hours')::date::text,
            (upper(time) at time zone 'UTC' + interval '12 hours')::date::text,
            (select changed_tenants::text from run)
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
