-- Whether a summary table is to be audited tonight by the one who asks, who has it
-- until the end of the transaction.
select
    pg_try_advisory_xact_lock(
        hashtext('orchestrator audit'), hashtext(%(model)s)
    )
    and not exists (
        select from orchestrator.job_runs
        where
            job = %(model)s
            and executor = 'audit'
            and started_at > clock_timestamp() - interval '12 hours'
    )
