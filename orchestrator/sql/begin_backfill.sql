-- Begin a backfill, or find the one that was begun.
select
    id,
    first_day,
    last_day,
    next_day
from orchestrator.begin_backfill(
    p_model => %(model)s,
    p_tenant => %(tenant)s,
    p_from => %(first)s,
    p_to => %(last)s
)
