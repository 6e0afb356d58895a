-- Everything as it was before the import: its calls are the last, and the first days
-- of the summary.
delete from restaurant.calls
where id in (
    select calls.id
    from restaurant.calls
    cross join (
        select min(orders.created_at) as at from restaurant.orders
    ) as first
    where calls.started_at < first.at - interval '1 day'
);
delete from orchestrator.refresh_queue;
delete from orchestrator.job_runs where invocation = 'backlog';
delete from analytics.metrics_daily
where date < (
    select min(calls.started_at)::date - 1 from restaurant.calls
);
drop table benchmark.calls;
