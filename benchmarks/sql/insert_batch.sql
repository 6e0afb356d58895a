-- Calls of the last two days, all at once.
insert into restaurant.calls (
    account_id, location_id, call_type, status, started_at
)
select
    benchmark.account(account),
    benchmark.location(account, 1),
    'order',
    'completed',
    now() - random() * interval '2 days'
from (
    select 1 + floor(random() * %(accounts)s)::integer as account
    from generate_series(1, %(rows)s)
    offset 0
) as drawn
