-- The jobs that pg_cron has of ours or is to have, and how each last went.
select
    coalesce(wanted.jobname, job.jobname::text) as jobname,
    coalesce(wanted.schedule, job.schedule) as schedule,
    coalesce(wanted.command, job.command) as command,
    case
        when job.jobid is null then 'missing'
        when wanted.jobname is null then 'unwanted'
        when job.schedule <> wanted.schedule then 'differs'
        when not job.active then 'off'
        else 'installed'
    end as state,
    run.start_time as last_run,
    run.status as last_status,
    run.return_message as last_message,
    clock_timestamp() as asked_at
from orchestrator.cron_jobs as wanted
full outer join (
    select *
    from cron.job
    where
        database = current_database()
        and orchestrator.is_cron_job(jobname::text, command)
) as job on job.jobname::text = wanted.jobname
left join lateral (
    select start_time, status, return_message
    from cron.job_run_details as details
    where details.jobid = job.jobid
    order by details.runid desc
    limit 1
) as run on true
order by 1
