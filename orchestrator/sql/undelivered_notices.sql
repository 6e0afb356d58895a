-- How many notices no webhook has taken yet.
select count(*) from orchestrator.notices where delivered_at is null
