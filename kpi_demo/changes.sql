-- What happens after the first build: late rows, corrections, deletions, moves.
-- Each statement picks the rows that it changes in a fixed order, changes them,
-- and tells of it: the source table, what happened, whose row it was, on which
-- of the tenant's days (null: on every day).

-- An entry that a gate kept to itself for forty days.
with newest as (
    select max(occurred_at) as newest_at
    from community.access_logs
),

chosen as (
    select
        access_logs.*,
        communities.timezone
    from newest
    cross join community.access_logs
    inner join community.communities
        on access_logs.community_id = communities.id
    where
        access_logs.decision = 'granted'
        and access_logs.occurred_at < newest.newest_at - '40 days'::interval
    order by
        access_logs.occurred_at desc,
        access_logs.id asc
    limit 1
),

inserted as (
    insert into community.access_logs (
        community_id, unit_id, visitor_id, entry_type, decision, occurred_at
    )
    select
        community_id,
        unit_id,
        visitor_id,
        entry_type,
        decision,
        occurred_at
    from chosen
    returning
        community_id,
        occurred_at
)

select
    'community.access_logs' as source_table,
    'an entry of 40 days ago arrives late' as what,
    inserted.community_id::text as tenant,
    (inserted.occurred_at at time zone chosen.timezone)::date as period
from inserted
cross join chosen;

-- An entry that a guard had logged in the wrong one of two communities.
with settings as (
    select '15 days'::interval as age
),

newest as (
    select max(occurred_at) as newest_at
    from community.access_logs
),

chosen as (
    select
        access_logs.id,
        access_logs.community_id as from_community_id,
        access_logs.occurred_at
    from settings
    cross join newest
    cross join community.access_logs
    where
        access_logs.decision = 'granted'
        and access_logs.unit_id is null
        and access_logs.occurred_at < newest.newest_at - settings.age
    order by
        access_logs.occurred_at desc,
        access_logs.id asc
    limit 1
),

other as (
    select communities.id as to_community_id
    from chosen
    inner join community.communities
        on chosen.from_community_id <> communities.id
    where communities.is_active
    order by
        communities.created_at,
        communities.id
    limit 1
),

moved as (
    update community.access_logs
    set community_id = other.to_community_id
    from chosen
    cross join other
    where access_logs.id = chosen.id
    returning
        chosen.from_community_id,
        access_logs.community_id,
        access_logs.occurred_at
),

sides as (
    select
        'an entry is moved to another community' as what,
        from_community_id as community_id,
        occurred_at
    from moved

    union all

    select
        'an entry comes from another community' as what,
        community_id,
        occurred_at
    from moved
)

select
    'community.access_logs' as source_table,
    sides.what,
    communities.id::text as tenant,
    (sides.occurred_at at time zone communities.timezone)::date as period
from sides
inner join community.communities on sides.community_id = communities.id
order by sides.what desc;

-- A payment that was typed in too high, and the balances that followed from it.
with settings as (
    select
        '35 days'::interval as age,
        0.1 as too_much
),

newest as (
    select max(posted_at) as newest_at
    from community.transactions
),

chosen as (
    select
        transactions.id,
        transactions.community_id,
        transactions.unit_id,
        round(transactions.amount * settings.too_much, 2) as too_much,
        (transactions.posted_at at time zone communities.timezone)::date
            as posted_on
    from settings
    cross join newest
    cross join community.transactions
    inner join community.communities
        on transactions.community_id = communities.id
    where
        transactions.kind = 'payment'
        and transactions.voided_at is null
        and transactions.posted_at < newest.newest_at - settings.age
    order by
        transactions.posted_at desc,
        transactions.id asc
    limit 1
),

corrected as (
    update community.transactions
    set amount = transactions.amount - chosen.too_much
    from chosen
    where transactions.id = chosen.id
    returning transactions.id
),

balanced as (
    update community.unit_balances
    set
        balance = unit_balances.balance + chosen.too_much,
        oldest_due_date = case
            when unit_balances.balance + chosen.too_much > 0
                then coalesce(unit_balances.oldest_due_date, chosen.posted_on)
        end
    from chosen
    where
        unit_balances.unit_id = chosen.unit_id
        and unit_balances.as_of_date >= chosen.posted_on
    returning unit_balances.as_of_date
)

select
    'community.transactions' as source_table,
    'a payment is corrected to a tenth less' as what,
    chosen.community_id::text as tenant,
    chosen.posted_on as period
from corrected
inner join chosen on corrected.id = chosen.id

union all

select
    'community.unit_balances' as source_table,
    'the unit''s balances from then on follow' as what,
    chosen.community_id::text as tenant,
    balanced.as_of_date as period
from balanced
cross join chosen
order by
    source_table,
    period;

-- A fine that should never have been: voided, and taken off the balances.
with settings as (
    select '20 days'::interval as age
),

newest as (
    select max(posted_at) as newest_at
    from community.transactions
),

chosen as (
    select
        transactions.id,
        transactions.community_id,
        transactions.unit_id,
        transactions.amount,
        (transactions.posted_at at time zone communities.timezone)::date
            as posted_on
    from settings
    cross join newest
    cross join community.transactions
    inner join community.communities
        on transactions.community_id = communities.id
    where
        transactions.kind = 'charge'
        and transactions.voided_at is null
        and transactions.posted_at < newest.newest_at - settings.age
        and extract(
            day from transactions.posted_at at time zone communities.timezone
        ) > 1
    order by
        transactions.posted_at desc,
        transactions.id asc
    limit 1
),

voided as (
    update community.transactions
    set voided_at = newest.newest_at
    from chosen
    cross join newest
    where transactions.id = chosen.id
    returning transactions.id
),

balanced as (
    update community.unit_balances
    set
        balance = unit_balances.balance - chosen.amount,
        oldest_due_date = case
            when unit_balances.balance > chosen.amount
                then unit_balances.oldest_due_date
        end
    from chosen
    where
        unit_balances.unit_id = chosen.unit_id
        and unit_balances.as_of_date >= chosen.posted_on
    returning unit_balances.as_of_date
)

select
    'community.transactions' as source_table,
    'a charge is voided' as what,
    chosen.community_id::text as tenant,
    chosen.posted_on as period
from voided
inner join chosen on voided.id = chosen.id

union all

select
    'community.unit_balances' as source_table,
    'the unit''s balances from then on follow' as what,
    chosen.community_id::text as tenant,
    balanced.as_of_date as period
from balanced
cross join chosen
order by
    source_table,
    period;

-- An incident of which it turns out that it was resolved two days later.
with settings as (
    select
        '50 days'::interval as age,
        '2 days'::interval as later
),

newest as (
    select max(reported_at) as newest_at
    from community.incidents
),

chosen as (
    select
        incidents.id,
        incidents.resolved_at as resolved_before
    from settings
    cross join newest
    cross join community.incidents
    where incidents.resolved_at < newest.newest_at - settings.age
    order by
        incidents.resolved_at desc,
        incidents.id asc
    limit 1
),

corrected as (
    update community.incidents
    set resolved_at = incidents.resolved_at + settings.later
    from chosen
    cross join settings
    where incidents.id = chosen.id
    returning
        incidents.community_id,
        incidents.resolved_at,
        chosen.resolved_before
),

days as (
    select
        'an incident was not resolved on this day' as what,
        community_id,
        resolved_before as resolved_at
    from corrected

    union all

    select
        'an incident was resolved on this day' as what,
        community_id,
        resolved_at
    from corrected
)

select
    'community.incidents' as source_table,
    days.what,
    communities.id::text as tenant,
    (days.resolved_at at time zone communities.timezone)::date as period
from days
inner join community.communities on days.community_id = communities.id
order by period;

-- A day's packages that were entered by mistake.
with settings as (
    select '70 days'::interval as age
),

newest as (
    select max(received_at) as newest_at
    from community.packages
),

chosen as (
    select
        packages.community_id,
        communities.timezone,
        (packages.received_at at time zone communities.timezone)::date
            as received_on
    from settings
    cross join newest
    cross join community.packages
    inner join community.communities on packages.community_id = communities.id
    where packages.received_at < newest.newest_at - settings.age
    order by
        packages.received_at desc,
        packages.id asc
    limit 1
),

deleted as (
    delete from community.packages
    using chosen
    where
        packages.community_id = chosen.community_id
        and packages.received_at
        >= chosen.received_on::timestamp at time zone chosen.timezone
        and packages.received_at
        < (chosen.received_on + 1)::timestamp at time zone chosen.timezone
    returning packages.id
)

select distinct
    'community.packages' as source_table,
    'all packages of a day are deleted' as what,
    chosen.community_id::text as tenant,
    chosen.received_on as period
from deleted
cross join chosen;

-- A call of forty days ago that the telephone company delivers only now.
with settings as (
    select '40 days'::interval as age
),

newest as (
    select max(started_at) as newest_at
    from restaurant.calls
),

chosen as (
    select
        calls.*,
        accounts.timezone
    from settings
    cross join newest
    cross join restaurant.calls
    inner join restaurant.accounts on calls.account_id = accounts.id
    where
        calls.status = 'completed'
        and calls.started_at < newest.newest_at - settings.age
    order by
        calls.started_at desc,
        calls.id asc
    limit 1
),

inserted as (
    insert into restaurant.calls (
        account_id, location_id, call_type, status, started_at
    )
    select
        account_id,
        location_id,
        call_type,
        status,
        started_at
    from chosen
    returning
        account_id,
        started_at
)

select
    'restaurant.calls' as source_table,
    'a call of 40 days ago arrives late' as what,
    inserted.account_id::text as tenant,
    (inserted.started_at at time zone chosen.timezone)::date as period
from inserted
cross join chosen;

-- An order of which half was returned.
with settings as (
    select '30 days'::interval as age
),

newest as (
    select max(created_at) as newest_at
    from restaurant.orders
),

chosen as (
    select
        orders.id,
        accounts.timezone
    from settings
    cross join newest
    cross join restaurant.orders
    inner join restaurant.accounts on orders.account_id = accounts.id
    inner join restaurant.account_settings
        on orders.account_id = account_settings.account_id
    where
        account_settings.revenue_mode <> 'reservations'
        and orders.created_at < newest.newest_at - settings.age
    order by
        orders.created_at desc,
        orders.id asc
    limit 1
),

corrected as (
    update restaurant.orders
    set total_amount = round(orders.total_amount / 2, 2)
    from chosen
    where orders.id = chosen.id
    returning
        orders.account_id,
        orders.created_at,
        chosen.timezone
)

select
    'restaurant.orders' as source_table,
    'an order is corrected to half its amount' as what,
    account_id::text as tenant,
    (created_at at time zone timezone)::date as period
from corrected;

-- The quietest old day of a location was a test of the telephone: all that it
-- had is deleted, and with it the day.
with settings as (
    select '60 days'::interval as age
),

newest as (
    select max(started_at) as newest_at
    from restaurant.calls
),

events as (
    select
        account_id,
        location_id,
        started_at as happened_at
    from restaurant.calls

    union all

    select
        account_id,
        location_id,
        created_at
    from restaurant.orders

    union all

    select
        account_id,
        location_id,
        created_at
    from restaurant.reservations
),

days as (
    select
        events.account_id,
        events.location_id,
        accounts.timezone,
        (events.happened_at at time zone accounts.timezone)::date as local_date,
        count(*) as events
    from events
    inner join restaurant.accounts on events.account_id = accounts.id
    group by
        events.account_id,
        events.location_id,
        accounts.timezone,
        local_date
),

chosen as (
    select
        days.account_id,
        days.location_id,
        days.local_date,
        days.local_date::timestamp at time zone days.timezone as starts_at,
        (days.local_date + 1)::timestamp at time zone days.timezone as ends_at
    from settings
    cross join newest
    cross join days
    where days.local_date < newest.newest_at - settings.age
    order by
        days.events asc,
        days.local_date desc,
        days.location_id asc
    limit 1
),

deleted_calls as (
    delete from restaurant.calls
    using chosen
    where
        calls.location_id = chosen.location_id
        and calls.started_at >= chosen.starts_at
        and calls.started_at < chosen.ends_at
    returning calls.id
),

deleted_orders as (
    delete from restaurant.orders
    using chosen
    where
        orders.location_id = chosen.location_id
        and orders.created_at >= chosen.starts_at
        and orders.created_at < chosen.ends_at
    returning orders.id
),

deleted_reservations as (
    delete from restaurant.reservations
    using chosen
    where
        reservations.location_id = chosen.location_id
        and reservations.created_at >= chosen.starts_at
        and reservations.created_at < chosen.ends_at
    returning reservations.id
),

deleted as (
    select 'restaurant.calls' as source_table from deleted_calls

    union all

    select 'restaurant.orders' as source_table from deleted_orders

    union all

    select 'restaurant.reservations' as source_table
    from deleted_reservations
)

select distinct
    deleted.source_table,
    'all that a location had on a day is deleted' as what,
    chosen.account_id::text as tenant,
    chosen.local_date as period
from deleted
cross join chosen
order by deleted.source_table;

-- Guests spend more than the restaurant had thought, on every day there was.
with settings as (
    select 2.5 as more
),

chosen as (
    select account_id
    from restaurant.account_settings
    where
        revenue_mode = 'reservations'
        and avg_spend_per_head is not null
    order by account_id
    limit 1
),

corrected as (
    update restaurant.account_settings
    set avg_spend_per_head = account_settings.avg_spend_per_head + settings.more
    from chosen
    cross join settings
    where account_settings.account_id = chosen.account_id
    returning account_settings.account_id
)

select
    'restaurant.account_settings' as source_table,
    'an account''s spend per head is raised' as what,
    account_id::text as tenant,
    null::date as period
from corrected;

-- A machine that was booked, and as it turns out never fetched.
with newest as (
    select max(created_at) as newest_at
    from rental.bookings
),

chosen as (
    select id
    from rental.bookings
    where status in ('active', 'completed')
    order by
        starts_on desc,
        id asc
    limit 1
),

cancelled as (
    update rental.bookings
    set
        status = 'cancelled',
        cancelled_at = newest.newest_at
    from chosen
    cross join newest
    where bookings.id = chosen.id
    returning bookings.starts_on
)

select
    'rental.bookings' as source_table,
    'a booking is cancelled as nobody came' as what,
    null::text as tenant,
    starts_on as period
from cancelled;

-- A deposit of five weeks ago is given back today, and the ledger says so.
with settings as (
    select
        '35 days'::interval as age,
        'America/New_York' as timezone
),

newest as (
    select max(paid_at) as newest_at
    from rental.payments
),

chosen as (
    select
        payments.booking_id,
        payments.customer_id,
        payments.amount
    from settings
    cross join newest
    cross join rental.payments
    inner join rental.booking_payments
        on payments.id = booking_payments.payment_id
    where
        payments.status = 'succeeded'
        and booking_payments.kind = 'deposit'
        and payments.paid_at < newest.newest_at - settings.age
    order by
        payments.paid_at desc,
        payments.id asc
    limit 1
),

paid_back as (
    insert into rental.payments (
        booking_id, customer_id, amount, status, paid_at
    )
    select
        chosen.booking_id,
        chosen.customer_id,
        chosen.amount,
        'succeeded' as status,
        newest.newest_at
    from chosen
    cross join newest
    returning
        id,
        booking_id,
        amount,
        paid_at
),

explained as (
    insert into rental.booking_payments (payment_id, booking_id, kind)
    select
        id,
        booking_id,
        'refund' as kind
    from paid_back
),

entered as (
    insert into rental.financial_transactions (kind, amount, occurred_at)
    select
        'refund' as kind,
        amount,
        paid_at
    from paid_back
)

select
    'rental.payments' as source_table,
    'a deposit is refunded' as what,
    null::text as tenant,
    (paid_back.paid_at at time zone settings.timezone)::date as period
from paid_back
cross join settings;

-- A payment of two months ago that was entered twice, and is deleted.
with settings as (
    select
        '60 days'::interval as age,
        'America/New_York' as timezone
),

newest as (
    select max(paid_at) as newest_at
    from rental.payments
),

chosen as (
    select payments.id
    from settings
    cross join newest
    cross join rental.payments
    where
        payments.status = 'succeeded'
        and payments.booking_id is null
        and payments.paid_at < newest.newest_at - settings.age
    order by
        payments.paid_at desc,
        payments.id asc
    limit 1
),

deleted as (
    delete from rental.payments
    using chosen
    where payments.id = chosen.id
    returning payments.paid_at
)

select
    'rental.payments' as source_table,
    'a payment is deleted' as what,
    null::text as tenant,
    (deleted.paid_at at time zone settings.timezone)::date as period
from deleted
cross join settings;

-- The oldest ticket still open is answered and resolved at last.
with settings as (
    select 'America/New_York' as timezone
),

newest as (
    select max(created_at) as newest_at
    from rental.support_tickets
),

chosen as (
    select id
    from rental.support_tickets
    where status in ('open', 'in_progress')
    order by
        created_at,
        id
    limit 1
),

resolved as (
    update rental.support_tickets
    set
        status = 'resolved',
        first_response_at = coalesce(
            support_tickets.first_response_at, newest.newest_at
        ),
        resolved_at = newest.newest_at
    from chosen
    cross join newest
    where support_tickets.id = chosen.id
    returning support_tickets.resolved_at
)

select
    'rental.support_tickets' as source_table,
    'the oldest open ticket is resolved' as what,
    null::text as tenant,
    (resolved.resolved_at at time zone settings.timezone)::date as period
from resolved
cross join settings;

-- The bank confirms the oldest payout that was pending.
with settings as (
    select 'America/New_York' as timezone
),

newest as (
    select max(paid_at) as newest_at
    from rental.payments
),

chosen as (
    select id
    from rental.payout_reconciliations
    where status = 'pending'
    order by
        created_at,
        id
    limit 1
),

paid as (
    update rental.payout_reconciliations
    set
        status = 'paid',
        settled_at = newest.newest_at
    from chosen
    cross join newest
    where payout_reconciliations.id = chosen.id
    returning payout_reconciliations.settled_at
)

select
    'rental.payout_reconciliations' as source_table,
    'a pending payout is paid' as what,
    null::text as tenant,
    (paid.settled_at at time zone settings.timezone)::date as period
from paid
cross join settings;

-- A telephone that was offline reports a day between two streaks: they are one.
with settings as (
    select
        10 as days_ago,
        '20:00'::time as at_time,
        'Asia/Jerusalem' as timezone
),

newest as (
    select max(learned_on) as newest_on
    from learning.learning_days
),

neighbours as (
    select
        user_id,
        track_id,
        learned_on,
        lead(learned_on) over (
            partition by user_id
            order by
                learned_on,
                track_id
        ) as next_learned_on
    from learning.learning_days
),

chosen as (
    select
        neighbours.user_id,
        neighbours.track_id,
        neighbours.learned_on + 1 as learned_on
    from settings
    cross join newest
    cross join neighbours
    where
        neighbours.next_learned_on = neighbours.learned_on + 2
        and neighbours.learned_on < newest.newest_on - settings.days_ago
    order by
        neighbours.learned_on desc,
        neighbours.user_id asc
    limit 1
),

inserted as (
    insert into learning.learning_days (
        user_id, track_id, learned_on, completed_at
    )
    select
        chosen.user_id,
        chosen.track_id,
        chosen.learned_on,
        (chosen.learned_on + settings.at_time) at time zone settings.timezone
            as completed_at
    from chosen
    cross join settings
    returning learned_on
)

select
    'learning.learning_days' as source_table,
    'a day arrives late and joins two streaks' as what,
    null::text as tenant,
    learned_on as period
from inserted;

-- A quiz hardly taken on an old day: its attempts are withdrawn, and with them
-- the day.
with settings as (
    select
        '30 days'::interval as age,
        'Asia/Jerusalem' as timezone
),

newest as (
    select max(started_at) as newest_at
    from learning.quiz_attempts
),

chosen as (
    select
        quiz_attempts.quiz_id,
        (quiz_attempts.started_at at time zone settings.timezone)::date
            as started_on
    from settings
    cross join newest
    cross join learning.quiz_attempts
    where
        (quiz_attempts.started_at at time zone settings.timezone)::date
        < (newest.newest_at - settings.age)::date
    group by
        quiz_attempts.quiz_id,
        started_on
    order by
        count(*) asc,
        started_on desc,
        quiz_attempts.quiz_id asc
    limit 1
),

deleted as (
    delete from learning.quiz_attempts
    using chosen, settings
    where
        quiz_attempts.quiz_id = chosen.quiz_id
        and (quiz_attempts.started_at at time zone settings.timezone)::date
        = chosen.started_on
    returning chosen.started_on
)

select distinct
    'learning.quiz_attempts' as source_table,
    'all attempts at a quiz on a day are deleted' as what,
    null::text as tenant,
    started_on as period
from deleted;

-- A review that its learner forgot to end is ended after half an hour.
with settings as (
    select
        '14 days'::interval as age,
        '30 minutes'::interval as length,
        'Asia/Jerusalem' as timezone
),

newest as (
    select max(started_at) as newest_at
    from learning.review_sessions
),

chosen as (
    select review_sessions.id
    from settings
    cross join newest
    cross join learning.review_sessions
    where
        review_sessions.ended_at is null
        and review_sessions.started_at < newest.newest_at - settings.age
    order by
        review_sessions.started_at desc,
        review_sessions.id asc
    limit 1
),

ended as (
    update learning.review_sessions
    set ended_at = review_sessions.started_at + settings.length
    from chosen
    cross join settings
    where review_sessions.id = chosen.id
    returning review_sessions.started_at
)

select
    'learning.review_sessions' as source_table,
    'a forgotten review is ended' as what,
    null::text as tenant,
    (ended.started_at at time zone settings.timezone)::date as period
from ended
cross join settings;

-- A reader thinks better of an old explanation, or rather worse.
with settings as (
    select
        '25 days'::interval as age,
        'Asia/Jerusalem' as timezone
),

newest as (
    select max(viewed_at) as newest_at
    from learning.explanation_views
),

chosen as (
    select explanation_views.id
    from settings
    cross join newest
    cross join learning.explanation_views
    where
        explanation_views.was_helpful
        and explanation_views.viewed_at < newest.newest_at - settings.age
    order by
        explanation_views.viewed_at desc,
        explanation_views.id asc
    limit 1
),

rated as (
    update learning.explanation_views
    set was_helpful = false
    from chosen
    where explanation_views.id = chosen.id
    returning explanation_views.viewed_at
)

select
    'learning.explanation_views' as source_table,
    'an explanation is found not to help' as what,
    null::text as tenant,
    (rated.viewed_at at time zone settings.timezone)::date as period
from rated
cross join settings;

-- The machine that has been down longest runs again.
with newest as (
    select max(counted_at) as newest_at
    from plant.production_counts
),

chosen as (
    select
        downtime_events.id,
        assets.timezone
    from newest
    cross join plant.downtime_events
    inner join plant.assets on downtime_events.asset_id = assets.id
    where
        downtime_events.ended_at is null
        and downtime_events.started_at < newest.newest_at
    order by
        downtime_events.started_at,
        downtime_events.id
    limit 1
),

ended as (
    update plant.downtime_events
    set ended_at = newest.newest_at
    from chosen
    cross join newest
    where downtime_events.id = chosen.id
    returning
        downtime_events.asset_id,
        downtime_events.ended_at,
        chosen.timezone
)

select
    'plant.downtime_events' as source_table,
    'a machine runs again' as what,
    asset_id::text as tenant,
    (ended_at at time zone timezone)::date as period
from ended;

-- A new safety event, its severity not recorded yet.
with newest as (
    select max(counted_at) as newest_at
    from plant.production_counts
),

chosen as (
    select
        assets.id,
        assets.timezone
    from plant.assets
    where assets.is_active
    order by assets.id
    limit 1
),

inserted as (
    insert into plant.downtime_events (
        asset_id, started_at, reason_code, description
    )
    select
        chosen.id,
        newest.newest_at,
        'Safety Issue' as reason_code,
        'Emergency stop pressed' as description
    from chosen
    cross join newest
    returning
        asset_id,
        started_at
)

select
    'plant.downtime_events' as source_table,
    'a safety event happens' as what,
    inserted.asset_id::text as tenant,
    (inserted.started_at at time zone chosen.timezone)::date as period
from inserted
cross join chosen;

-- A count of three weeks ago that was stuck in a gateway.
with settings as (
    select '20 days'::interval as age
),

newest as (
    select max(counted_at) as newest_at
    from plant.production_counts
),

chosen as (
    select
        production_counts.*,
        assets.timezone
    from settings
    cross join newest
    cross join plant.production_counts
    inner join plant.assets on production_counts.asset_id = assets.id
    where
        assets.is_active
        and production_counts.good_count > 0
        and production_counts.counted_at < newest.newest_at - settings.age
    order by
        production_counts.counted_at desc,
        production_counts.id asc
    limit 1
),

inserted as (
    insert into plant.production_counts (
        asset_id, counted_at, good_count, waste_count
    )
    select
        asset_id,
        counted_at,
        good_count,
        waste_count
    from chosen
    returning
        asset_id,
        counted_at
)

select
    'plant.production_counts' as source_table,
    'a count of three weeks ago arrives late' as what,
    inserted.asset_id::text as tenant,
    (inserted.counted_at at time zone chosen.timezone)::date as period
from inserted
cross join chosen;

-- A downtime that lasted half as long as the operator had noted.
with settings as (
    select '45 days'::interval as age
),

newest as (
    select max(counted_at) as newest_at
    from plant.production_counts
),

chosen as (
    select
        downtime_events.id,
        assets.timezone
    from settings
    cross join newest
    cross join plant.downtime_events
    inner join plant.assets on downtime_events.asset_id = assets.id
    where
        assets.is_active
        and downtime_events.reason_code <> 'Safety Issue'
        and downtime_events.ended_at < newest.newest_at - settings.age
    order by
        downtime_events.ended_at desc,
        downtime_events.id asc
    limit 1
),

corrected as (
    update plant.downtime_events
    set
        ended_at = downtime_events.started_at
        + (downtime_events.ended_at - downtime_events.started_at) / 2
    from chosen
    where downtime_events.id = chosen.id
    returning
        downtime_events.asset_id,
        downtime_events.started_at,
        chosen.timezone
)

select
    'plant.downtime_events' as source_table,
    'a downtime is corrected to half its length' as what,
    asset_id::text as tenant,
    (started_at at time zone timezone)::date as period
from corrected;

-- A count of a month ago, of which some turned out to be waste.
with settings as (
    select
        '30 days'::interval as age,
        0.2 as waste_share
),

newest as (
    select max(counted_at) as newest_at
    from plant.production_counts
),

chosen as (
    select
        production_counts.id,
        assets.timezone,
        ceil(production_counts.good_count * settings.waste_share)::integer
            as wasted
    from settings
    cross join newest
    cross join plant.production_counts
    inner join plant.assets on production_counts.asset_id = assets.id
    where
        assets.is_active
        and production_counts.good_count > 0
        and production_counts.counted_at < newest.newest_at - settings.age
    order by
        production_counts.counted_at desc,
        production_counts.id asc
    limit 1
),

corrected as (
    update plant.production_counts
    set
        good_count = production_counts.good_count - chosen.wasted,
        waste_count = production_counts.waste_count + chosen.wasted
    from chosen
    where production_counts.id = chosen.id
    returning
        production_counts.asset_id,
        production_counts.counted_at,
        chosen.timezone
)

select
    'plant.production_counts' as source_table,
    'a part of a count is found to be waste' as what,
    asset_id::text as tenant,
    (counted_at at time zone timezone)::date as period
from corrected;

-- An old safety event that the machine-data system forgets: the log does not.
with settings as (
    select '90 days'::interval as age
),

newest as (
    select max(counted_at) as newest_at
    from plant.production_counts
),

chosen as (
    select
        downtime_events.id,
        assets.timezone
    from settings
    cross join newest
    cross join plant.downtime_events
    inner join plant.assets on downtime_events.asset_id = assets.id
    where
        downtime_events.reason_code = 'Safety Issue'
        and downtime_events.started_at < newest.newest_at - settings.age
    order by
        downtime_events.started_at desc,
        downtime_events.id asc
    limit 1
),

deleted as (
    delete from plant.downtime_events
    using chosen
    where downtime_events.id = chosen.id
    returning
        downtime_events.asset_id,
        downtime_events.started_at,
        chosen.timezone
)

select
    'plant.downtime_events' as source_table,
    'an old safety event is deleted' as what,
    asset_id::text as tenant,
    (started_at at time zone timezone)::date as period
from deleted;
