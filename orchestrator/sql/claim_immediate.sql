-- Of what a worker is to build now, what has such changes, in the order to build it in.
select model
from orchestrator.claim_due() as model
where exists (
    select from orchestrator.refresh_queue as requests
    where requests.immediate and requests.model = model
)
