-- For the same rows as analytics.metrics_daily, functions written by hand.
drop table if exists benchmark.minimum, benchmark.yesterday;

-- An account's figures between two instants, by location.
create or replace function benchmark.metrics_between(
    p_account uuid, p_starts_at timestamptz, p_ends_at timestamptz
)
returns table (
    location_id uuid,
    total_calls integer,
    orders_count integer,
    reservations_count integer,
    total_revenue_orders numeric,
    total_revenue_res_estimate numeric,
    minutes_saved numeric
)
language sql stable
as $$
    select
        work.location_id,
        count(work.call_type)::integer,
        (count(*) filter (where work.call_type = 'order'))::integer,
        (count(*) filter (where work.call_type = 'reservation'))::integer,
        coalesce(sum(work.amount) filter (
            where settings.revenue_mode is distinct from 'reservations'
        ), 0),
        coalesce(sum(work.guests * coalesce(
            work.spend, own.avg_spend_per_head, settings.avg_spend_per_head, 0
        )) filter (where settings.revenue_mode is distinct from 'orders'), 0),
        round(count(*) filter (where work.status = 'completed') * coalesce(
            min(own.minutes_saved_baseline_seconds),
            min(settings.minutes_saved_baseline_seconds),
            120
        ) / 60.0, 2)
    from (
        select
            location_id, call_type, status,
            null::numeric as amount, null::integer as guests, null::numeric as spend
        from restaurant.calls
        where account_id = p_account
            and started_at >= p_starts_at and started_at < p_ends_at
        union all
        select location_id, null, null, total_amount, null, null
        from restaurant.orders
        where account_id = p_account
            and created_at >= p_starts_at and created_at < p_ends_at
        union all
        select location_id, null, null, null, guest_count, avg_spend_per_head_override
        from restaurant.reservations
        where account_id = p_account
            and created_at >= p_starts_at and created_at < p_ends_at
    ) as work
    left join restaurant.account_settings as settings
        on settings.account_id = p_account
    left join restaurant.location_settings as own
        on own.location_id = work.location_id
    group by work.location_id
$$;

-- The tables of the functions written by hand have the summary's keys and indexes.
create table benchmark.minimum (like analytics.metrics_daily including all);
insert into benchmark.minimum select * from analytics.metrics_daily;
create table benchmark.yesterday (like analytics.metrics_daily including all);
insert into benchmark.yesterday select * from analytics.metrics_daily;
analyze benchmark.minimum;
analyze benchmark.yesterday;

-- The least that can be done for changes that someone knows: the changed days
-- of their accounts, deleted and inserted.
create or replace function benchmark.recompute_changed()
returns void
language sql
as $$
    delete from benchmark.minimum
    using benchmark.changed_days
    where minimum.account_id = changed_days.account_id
        and minimum.date = changed_days.date;

    insert into benchmark.minimum
    select days.account_id, metrics.location_id, days.date,
        metrics.total_calls, metrics.orders_count, metrics.reservations_count,
        metrics.total_revenue_orders, metrics.total_revenue_res_estimate,
        metrics.minutes_saved, now()
    from benchmark.changed_days as days
    inner join restaurant.accounts on accounts.id = days.account_id
    cross join lateral benchmark.metrics_between(
        days.account_id,
        days.date::timestamp at time zone accounts.timezone,
        (days.date + 1)::timestamp at time zone accounts.timezone
    ) as metrics;
$$;

-- The nightly function of many a project: yesterday, for everybody.
create or replace function benchmark.recompute_yesterday()
returns void
language plpgsql
as $$
begin
    insert into benchmark.yesterday as target
    select accounts.id, metrics.location_id, days.date,
        metrics.total_calls, metrics.orders_count, metrics.reservations_count,
        metrics.total_revenue_orders, metrics.total_revenue_res_estimate,
        metrics.minutes_saved, now()
    from restaurant.accounts
    cross join lateral (
        select (now() at time zone accounts.timezone)::date - 1 as date
    ) as days
    cross join lateral benchmark.metrics_between(
        accounts.id,
        days.date::timestamp at time zone accounts.timezone,
        (days.date + 1)::timestamp at time zone accounts.timezone
    ) as metrics
    on conflict (account_id, location_id, date) do update
    set
        total_calls = excluded.total_calls,
        orders_count = excluded.orders_count,
        reservations_count = excluded.reservations_count,
        total_revenue_orders = excluded.total_revenue_orders,
        total_revenue_res_estimate = excluded.total_revenue_res_estimate,
        minutes_saved = excluded.minutes_saved,
        computed_at = excluded.computed_at;
end
$$;
