-- Make pg_cron have the jobs that it is to have, or none of ours.
select change, jobname, schedule
from orchestrator.change_cron(%(wanted)s)
