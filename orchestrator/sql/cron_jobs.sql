-- The jobs that pg_cron is to have, and the call that makes each, from the
-- database that pg_cron is in.
select
    jobs.jobname,
    jobs.schedule,
    jobs.command,
    case
        when home.setting <> current_database() then format(
            'select cron.schedule_in_database(%L, %L, %L, %L);',
            jobs.jobname, jobs.schedule, jobs.command, current_database()
        )
        else format(
            'select cron.schedule(%L, %L, %L);',
            jobs.jobname, jobs.schedule, jobs.command
        )
    end as statement,
    coalesce(home.setting, current_database()) as database
from orchestrator.cron_jobs as jobs
left join pg_settings as home on home.name = 'cron.database_name'
order by jobs.jobname
