-- What a worker is to build now, in the order to build it in.
select model from orchestrator.claim_due(p_eager => %(eager)s) as model
