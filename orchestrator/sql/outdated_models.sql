-- Which of these models this state of the project has yet to build, or has failed
-- since; what has just failed only for the eager.
select asked.name
from unnest(%(names)s::text[]) as asked (name)
left join orchestrator.models on models.model = asked.name
left join orchestrator.model_status as status on status.model = asked.name
where
    (models.project is distinct from %(project)s or status.failures > 0)
    and (%(eager)s or status.retry_at <= clock_timestamp()) is not false
