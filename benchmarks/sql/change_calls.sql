-- Change the outcome of calls at random, over all accounts and all days, and note
-- which days that touches, for the function that has to know them.
truncate benchmark.changed_days;

with chosen as materialized (
    select distinct 1 + floor(random() * %(calls)s)::bigint as id
    from generate_series(1, %(changes)s * 2)
    limit %(changes)s
),

changed as (
    update restaurant.calls
    set status = case status when 'completed' then 'missed' else 'completed' end
    from chosen
    where calls.id = chosen.id
    returning calls.account_id, calls.started_at
)

insert into benchmark.changed_days (account_id, date)
select distinct
    changed.account_id,
    (changed.started_at at time zone accounts.timezone)::date
from changed
inner join restaurant.accounts on accounts.id = changed.account_id;

analyze benchmark.changed_days;
