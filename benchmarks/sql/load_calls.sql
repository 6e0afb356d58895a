-- The calls of %(days)s days, in the order in which they came; of most calls to
-- order or to reserve an order or a reservation.
select setseed(0.5);

insert into restaurant.calls (
    account_id, location_id, call_type, status, started_at
)
with drawn as materialized (
    select
        1 + floor(random() * %(accounts)s)::integer as account,
        random() as kind,
        random() as outcome,
        random() as place,
        now() - interval '1 day' * %(days)s * (1 - number / %(calls)s::float)
            as started_at
    from generate_series(1, %(calls)s) as number
)

select
    benchmark.account(account),
    benchmark.location(
        account, case when account %% 3 = 0 and place < 0.4 then 2 else 1 end
    ),
    case
        when kind < 0.35 then 'order'
        when kind < 0.55 then 'reservation'
        when kind < 0.9 then 'question'
        else 'other'
    end,
    case
        when outcome < 0.84 then 'completed'
        when outcome < 0.95 then 'missed'
        else 'failed'
    end,
    started_at
from drawn;

insert into restaurant.orders (account_id, location_id, total_amount, created_at)
select
    account_id,
    location_id,
    12 + id %% 4000 / 100.0,
    least(started_at + interval '5 minutes', now())
from restaurant.calls
where call_type = 'order' and status = 'completed' and id %% 6 <> 0;

insert into restaurant.reservations (
    account_id, location_id, guest_count, avg_spend_per_head_override, created_at
)
select
    account_id,
    location_id,
    1 + id %% 8,
    case when id %% 16 = 0 then 75 end,
    least(started_at + interval '3 minutes', now())
from restaurant.calls
where call_type = 'reservation' and status = 'completed' and id %% 10 <> 0;
