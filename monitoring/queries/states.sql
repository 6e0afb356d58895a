-- Is everything fresh?
select
    count(*) filter (where state = 'fresh') as fresh,
    count(*) filter (where state = 'due') as due,
    count(*) filter (where state = 'paused') as paused,
    count(*) filter (where state = 'late') as late,
    count(*) filter (where state = 'failing') as failing,
    count(*) filter (where state = 'not built') as not_built
from orchestrator.model_status
