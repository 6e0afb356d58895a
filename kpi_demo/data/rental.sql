-- rental: one business in New York that rents equipment out. It has no tenants
-- to grow by: its equipment and its customers follow the scale.

-- The history, in the business's own days; it opened three weeks before.
create temporary table demo_business on commit drop as
with settings as (
    select
        'America/New_York' as timezone,
        20 as days_open_before,
        greatest(8, round(40 * pg_temp.scale()))::integer as machines,
        greatest(40, round(1000 * pg_temp.scale()))::integer as customers
),

dated as (
    select
        *,
        (pg_temp.until_at() at time zone timezone)::date as until_on
    from settings
)

select
    timezone,
    machines,
    customers,
    until_on,
    until_on - pg_temp.history_days() as first_on,
    until_on - pg_temp.history_days() - days_open_before as opened_on
from dated;

-- Customers join one after the other: those there were on a given day are the
-- first so many.
create temporary table demo_customers on commit drop as
with customers as (
    select
        *,
        generate_series(1, customers) as customer_no
    from demo_business
)

select
    customer_no,
    pg_temp.uuid('customer', customer_no) as customer_id,
    (
        opened_on + '1 day'::interval * (until_on - opened_on)
        * (customer_no - 0.5) / customers
    ) at time zone timezone as joined_at
from customers;

-- The customers, and three admins.
insert into rental.users (id, created_at, role)
with admins as (
    select
        opened_on at time zone timezone as opened_at,
        generate_series(1, 3) as admin_no
    from demo_business
)

select
    pg_temp.uuid('rental admin', admin_no) as user_id,
    opened_at as created_at,
    'admin' as user_role
from admins

union all

select
    customer_id as user_id,
    joined_at as created_at,
    'customer' as user_role
from demo_customers;

-- One customer in three was never put into a segment.
insert into rental.customer_segments (customer_id, segment)
with settings as (
    select
        0.33 as unsegmented_share,
        array['private', 'private', 'trade', 'trade', 'events', 'municipal']
            as segments
)

select
    demo_customers.customer_id,
    pg_temp.pick(
        settings.segments, pg_temp.u('segment', demo_customers.customer_no)
    ) as segment
from settings
cross join demo_customers
where
    pg_temp.u('segmented', demo_customers.customer_no)
    >= settings.unsegmented_share;

-- Some machines are always out and some stand around; of twenty, one was never
-- rented and another was taken out of service three months ago. Half of them
-- were bought on the way.
create temporary table demo_equipment on commit drop as
with settings as (
    select
        20 as out_of,
        5 as never_rented_no,
        8 as retired_no,
        90 as retired_days_ago,
        array[
            'Excavator', 'Generator', 'Scissor lift', 'Compressor', 'Trailer',
            'Concrete mixer'
        ] as categories,
        array[380, 95, 210, 60, 45, 30] as daily_rates
),

business as (
    select
        settings.*,
        demo_business.*
    from settings
    cross join demo_business
),

machines as (
    select
        *,
        generate_series(1, machines) as equipment_no
    from business
)

select
    equipment_no,
    categories[1 + equipment_no % 6] as category,
    pg_temp.uuid('equipment', equipment_no) as equipment_id,
    categories[1 + equipment_no % 6] || ' ' || lpad(equipment_no::text, 3, '0')
        as equipment_name,
    daily_rates[1 + equipment_no % 6]
    * (8 + floor(5 * pg_temp.u('daily rate', equipment_no)))::numeric / 10
        as daily_rate,
    equipment_no % out_of <> retired_no as is_active,
    equipment_no % out_of <> never_rented_no as is_rented,
    case
        when pg_temp.u('popularity', equipment_no) < 0.15 then 45
        when pg_temp.u('popularity', equipment_no) < 0.5 then 6
        else 1.5
    end as days_idle,
    first_on + floor(
        greatest(0, pg_temp.u('bought', equipment_no) - 0.5)
        * (until_on - first_on)
    )::integer as bought_on,
    until_on - (equipment_no % out_of = retired_no)::integer * retired_days_ago
        as last_on
from machines;

insert into rental.equipment (id, name, category, is_active, daily_rate)
select
    equipment_id,
    equipment_name,
    category,
    is_active,
    daily_rate
from demo_equipment;

-- One booking of a machine follows the other, with idle days between them, up
-- to those made ahead of today; now and then a machine comes back on the day on
-- which it goes out again. Before one in seven there was another that was
-- cancelled. Customers who joined lately book most, and old ones come back.
create temporary table demo_bookings on commit drop as
with settings as (
    select
        9 as longest,
        9 as days_ahead,
        60 as most_days_ahead,
        8 as days_after_opening,
        0.15 as handover_share,
        0.14 as cancelled_share,
        0.2 as faithfulness,
        7 as long_days,
        0.9 as long_discount,
        array[7, 8, 8, 9, 9, 10, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21]
            as busy_hours
),

machines as (
    select
        settings.*,
        demo_business.*,
        demo_equipment.*
    from settings
    cross join demo_business
    cross join demo_equipment
    where demo_equipment.is_rented
),

runs as (
    select
        *,
        equipment_no * 10000::bigint + generate_series(
            1,
            10 + (
                2 * (until_on - bought_on + most_days_ahead) / (days_idle + 3)
            )::integer
        ) as run_key
    from machines
),

lengths as (
    select
        *,
        1 + floor(longest * power(pg_temp.u('days', run_key), 2))::integer
            as days,
        floor(pg_temp.wait(days_idle, pg_temp.u('idle', run_key)))::integer
        - (pg_temp.u('handed over', run_key) < handover_share)::integer as idle
    from runs
),

placed as (
    select
        *,
        bought_on - days + (
            sum(days + idle) over (
                partition by equipment_no
                order by run_key
            )
        )::integer as starts_on
    from lengths
),

booked as (
    select
        *,
        greatest(
            opened_on + days_after_opening,
            starts_on - least(
                most_days_ahead,
                floor(pg_temp.wait(days_ahead, pg_temp.u('ahead', run_key)))
            )::integer
        ) as booked_on
    from placed
    where starts_on <= last_on + most_days_ahead
),

attempts as (
    select
        *,
        generate_series(
            0, (pg_temp.u('cancelled', run_key) < cancelled_share)::integer
        ) as attempt_no
    from booked
),

dated as (
    select
        *,
        2 * run_key + attempt_no as booking_key,
        attempt_no = 1 as is_cancelled,
        booked_on - attempt_no * (
            1 + floor(5 * pg_temp.u('cancelled before', run_key))::integer
        ) as created_on
    from attempts
),

created as (
    select
        *,
        1 + floor(
            greatest(
                1,
                floor(
                    customers * (created_on - opened_on - 1.0)
                    / (until_on - opened_on)
                )
            ) * power(pg_temp.u('customer', booking_key), faithfulness)
        )::integer as customer_no,
        (
            created_on + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('booking hour', booking_key),
                pg_temp.u('booking minute', booking_key)
            )
        ) at time zone timezone as created_at
    from dated
),

cancelled as (
    select
        *,
        case
            when is_cancelled
                then
                    created_at + (booked_on - created_on) * '1 day'::interval
                    * pg_temp.u('cancelled at', booking_key)
        end as cancelled_at
    from created
)

select
    booking_key,
    equipment_id,
    starts_on,
    created_on,
    created_at,
    cancelled_at,
    starts_on + days - 1 as ends_on,
    pg_temp.uuid('booking', booking_key) as booking_id,
    pg_temp.uuid('customer', customer_no) as customer_id,
    case
        when is_cancelled then 'cancelled'
        when starts_on + days <= until_on then 'completed'
        when starts_on <= until_on then 'active'
        when pg_temp.u('confirmed', booking_key) < 0.7 then 'confirmed'
        else 'pending'
    end as status,
    round(
        daily_rate * days
        * case when days >= long_days then long_discount else 1 end,
        2
    ) as total_amount
from cancelled
where
    created_at < pg_temp.until_at()
    and (
        not is_cancelled
        or cancelled_at < pg_temp.until_at()
    );

analyze demo_customers, demo_bookings;

insert into rental.bookings (
    id,
    customer_id,
    equipment_id,
    status,
    starts_on,
    ends_on,
    total_amount,
    created_at,
    cancelled_at
)
select
    booking_id,
    customer_id,
    equipment_id,
    status,
    starts_on,
    ends_on,
    total_amount,
    created_at,
    cancelled_at
from demo_bookings
order by
    created_at,
    booking_key;

-- A booking is paid in two instalments: a deposit at once, the balance by the
-- day it begins. Some balances come weeks late and some never; one in eight is
-- paid by hand; a booking still pending waits for its deposit; and of the last
-- days' card payments some are still on their way.
create temporary table demo_instalments on commit drop as
with settings as (
    select
        0.3 as deposit_share,
        0.12 as manual_share,
        0.8 as punctual_share,
        0.94 as paid_share,
        12 as days_late,
        '2 days'::interval as time_in_transit,
        0.3 as in_transit_share
),

bookings as (
    select
        settings.*,
        demo_bookings.*,
        demo_business.timezone
    from settings
    cross join demo_business
    cross join demo_bookings
),

instalments as (
    select
        *,
        generate_series(0, (status <> 'cancelled')::integer) as instalment_no
    from bookings
),

kinds as (
    select
        *,
        2 * booking_key + instalment_no as instalment_key,
        case instalment_no when 0 then 'deposit' else 'balance' end as kind,
        case instalment_no when 0 then created_on else starts_on end as due_on,
        case instalment_no
            when 0 then round(deposit_share * total_amount, 2)
            else total_amount - round(deposit_share * total_amount, 2)
        end as amount,
        instalment_no = 1
        and pg_temp.u('by hand', booking_key) < manual_share as is_manual,
        pg_temp.u('pays', booking_key) as habit
    from instalments
),

paid as (
    select
        *,
        case
            when kind = 'deposit' and status <> 'pending'
                then
                    created_at + '30 minutes'::interval
                    * pg_temp.u('paid at', instalment_key)
            when kind = 'balance' and habit < punctual_share
                then
                    greatest(
                        created_at + '1 hour'::interval,
                        (
                            starts_on + '18 hours'::interval
                            - '3 days'::interval
                            * pg_temp.u('paid at', instalment_key)
                        ) at time zone timezone
                    )
            when kind = 'balance' and habit < paid_share
                then
                    (
                        starts_on + '1 day'::interval + '1 day'::interval
                        * pg_temp.wait(
                            days_late, pg_temp.u('paid at', instalment_key)
                        )
                    ) at time zone timezone
        end as paid_at
    from kinds
)

select
    instalment_key,
    booking_key,
    booking_id,
    customer_id,
    timezone,
    kind,
    due_on,
    amount,
    is_manual,
    cancelled_at,
    case when paid_at < pg_temp.until_at() then paid_at end as paid_at,
    not is_manual
    and paid_at >= pg_temp.until_at() - time_in_transit
    and pg_temp.u('in transit', instalment_key) < in_transit_share
        as is_in_transit
from paid;

insert into rental.payment_schedules (id, booking_id, due_on, amount, paid_at)
select
    pg_temp.uuid('instalment', instalment_key) as schedule_id,
    booking_id,
    due_on,
    amount,
    case when not is_in_transit then paid_at end as paid_at
from demo_instalments
order by
    due_on,
    instalment_key;

-- Card payments: each instalment's, failed attempts before it or in its place,
-- refunds of deposits and after complaints, and fees for damage, which belong
-- to no booking.
create temporary table demo_payments on commit drop as
with settings as (
    select
        0.06 as failed_share,
        0.7 as refunded_share,
        0.025 as complaint_share,
        0.3 as complaint_discount,
        0.01 as damage_share,
        0.5 as damage_fee
),

instalments as (
    select
        settings.*,
        demo_instalments.*,
        10 * demo_instalments.instalment_key as payment_key
    from settings
    cross join demo_instalments
    where not demo_instalments.is_manual
),

payments as (
    select
        payment_key,
        booking_id,
        customer_id,
        kind,
        amount,
        case when is_in_transit then 'pending' else 'succeeded' end as status,
        paid_at
    from instalments

    union all

    select
        payment_key + 1 as payment_key,
        booking_id,
        customer_id,
        kind,
        amount,
        'failed' as status,
        coalesce(
            paid_at - '20 minutes'::interval,
            (due_on + '12:00'::time) at time zone timezone
        ) as paid_at
    from instalments
    where pg_temp.u('card fails', instalment_key) < failed_share

    union all

    select
        payment_key + 2 as payment_key,
        booking_id,
        customer_id,
        'refund' as kind,
        amount,
        'succeeded' as status,
        greatest(paid_at, cancelled_at) + '2 days'::interval
        * pg_temp.u('refund wait', instalment_key) as paid_at
    from instalments
    where
        cancelled_at is not null
        and not is_in_transit
        and pg_temp.u('refunded', instalment_key) < refunded_share

    union all

    select
        payment_key + 3 as payment_key,
        booking_id,
        customer_id,
        'refund' as kind,
        round(complaint_discount * amount, 2) as amount,
        'succeeded' as status,
        paid_at + '9 days'::interval
        * (1 + pg_temp.u('refund wait', instalment_key)) as paid_at
    from instalments
    where
        kind = 'balance'
        and pg_temp.u('complaint', instalment_key) < complaint_share

    union all

    select
        payment_key + 4 as payment_key,
        null as booking_id,
        customer_id,
        null as kind,
        round(damage_fee * amount, 2) as amount,
        'succeeded' as status,
        paid_at + '6 days'::interval as paid_at
    from instalments
    where
        kind = 'balance'
        and pg_temp.u('damage', instalment_key) < damage_share
)

select
    payment_key,
    booking_id,
    customer_id,
    kind,
    amount,
    status,
    paid_at,
    pg_temp.uuid('card payment', payment_key) as payment_id
from payments
where paid_at < pg_temp.until_at();

insert into rental.payments (
    id, booking_id, customer_id, amount, status, paid_at
)
select
    payment_id,
    booking_id,
    customer_id,
    amount,
    status,
    paid_at
from demo_payments
order by
    paid_at,
    payment_key;

insert into rental.booking_payments (payment_id, booking_id, kind)
select
    payment_id,
    booking_id,
    kind
from demo_payments
where booking_id is not null
order by
    paid_at,
    payment_key;

-- Of the payments by hand, a few cannot be matched with a booking.
insert into rental.manual_payments (
    id, booking_id, amount, method, received_at
)
with settings as (
    select
        0.05 as unmatched_share,
        array['check', 'check', 'cash', 'wire'] as methods
),

instalments as (
    select
        settings.*,
        demo_instalments.*
    from settings
    cross join demo_instalments
    where
        demo_instalments.is_manual
        and demo_instalments.paid_at is not null
)

select
    pg_temp.uuid('manual payment', instalment_key) as payment_id,
    case
        when pg_temp.u('matched', instalment_key) >= unmatched_share
            then booking_id
    end as booking_id,
    amount,
    pg_temp.pick(methods, pg_temp.u('method', instalment_key))
        as payment_method,
    paid_at
from instalments
order by
    paid_at,
    instalment_key;

-- Each day's card payments are paid out on the next morning, less fees and
-- refunds, and arrive two days later; now and then the bank refuses one.
insert into rental.payout_reconciliations (
    id, stripe_payout_id, amount, status, created_at, settled_at
)
with settings as (
    select
        0.971 as share_after_fees,
        '2 days'::interval as time_to_settle,
        0.02 as failed_share
),

payments as (
    select
        demo_business.timezone,
        (demo_payments.paid_at at time zone demo_business.timezone)::date
            as paid_on,
        case
            when demo_payments.kind = 'refund' then -demo_payments.amount
            else demo_payments.amount
        end as amount
    from demo_business
    cross join demo_payments
    where demo_payments.status = 'succeeded'
),

daily as (
    select
        timezone,
        paid_on,
        sum(amount) as amount
    from payments
    group by
        timezone,
        paid_on
    having sum(amount) > 0
),

payouts as (
    select
        settings.*,
        daily.amount,
        daily.paid_on - '2000-01-01'::date as payout_key,
        (daily.paid_on + '1 day 05:00'::interval) at time zone daily.timezone
            as created_at
    from settings
    cross join daily
),

settled as (
    select
        *,
        created_at + time_to_settle as settled_at,
        pg_temp.u('payout', payout_key) < failed_share as is_failed
    from payouts
)

select
    pg_temp.uuid('payout', payout_key) as payout_id,
    'po_' || left(md5('payout' || payout_key::text), 24) as stripe_payout_id,
    round(amount * share_after_fees, 2) as amount,
    case
        when settled_at >= pg_temp.until_at() then 'pending'
        when is_failed then 'failed'
        else 'paid'
    end as payout_status,
    created_at,
    case
        when settled_at < pg_temp.until_at() and not is_failed then settled_at
    end as settled_at
from settled
where created_at < pg_temp.until_at()
order by created_at;

-- The ledger follows from all of that.
insert into rental.financial_transactions (kind, amount, occurred_at)
with entries as (
    select
        case kind when 'refund' then 'refund' else 'revenue' end as kind,
        amount,
        paid_at as occurred_at,
        payment_id as id
    from demo_payments
    where status = 'succeeded'

    union all

    select
        'fee' as kind,
        round(0.029 * amount + 0.30, 2) as amount,
        paid_at as occurred_at,
        payment_id as id
    from demo_payments
    where
        status = 'succeeded'
        and kind is distinct from 'refund'

    union all

    select
        'revenue' as kind,
        amount,
        received_at as occurred_at,
        id
    from rental.manual_payments

    union all

    select
        'payout' as kind,
        amount,
        settled_at as occurred_at,
        id
    from rental.payout_reconciliations
    where status = 'paid'
)

select
    kind,
    amount,
    occurred_at
from entries
order by
    occurred_at,
    id,
    kind;

-- Proof of insurance: reviewed within a day or two, sometimes never; refused
-- now and then; and some of it expires before the year is over. Of the first
-- reviews nobody noted when they were.
insert into rental.insurance_documents (
    id, booking_id, status, submitted_at, reviewed_at, expires_on
)
with settings as (
    select
        0.6 as insured_share,
        0.03 as forgotten_share,
        0.08 as rejected_share,
        0.15 as short_share,
        20 as hours_to_review,
        demo_business.first_on + 15 as noted_from
    from demo_business
),

submitted as (
    select
        settings.*,
        demo_bookings.*,
        demo_bookings.created_at + '2 days'::interval
        * pg_temp.u('submitted', demo_bookings.booking_key) as submitted_at
    from settings
    cross join demo_bookings
    where
        demo_bookings.status <> 'cancelled'
        and pg_temp.u('insured', demo_bookings.booking_key)
        < settings.insured_share
),

reviewed as (
    select
        *,
        case
            when pg_temp.u('reviewed', booking_key) >= forgotten_share
                then
                    submitted_at + '1 hour'::interval * pg_temp.wait(
                        hours_to_review, pg_temp.u('review wait', booking_key)
                    )
        end as reviewed_at
    from submitted
)

select
    pg_temp.uuid('insurance', booking_key) as document_id,
    booking_id,
    case
        when coalesce(reviewed_at >= pg_temp.until_at(), true) then 'pending'
        when pg_temp.u('rejected', booking_key) < rejected_share
            then 'rejected'
        else 'approved'
    end as document_status,
    submitted_at,
    case
        when reviewed_at < pg_temp.until_at() and created_on >= noted_from
            then reviewed_at
    end as reviewed_at,
    case
        when pg_temp.u('expires', booking_key) < short_share
            then ends_on + 10
        when pg_temp.u('expires', booking_key) >= 2 * short_share
            then created_on + 365
    end as expires_on
from reviewed
where submitted_at < pg_temp.until_at()
order by
    submitted_at,
    booking_key;

-- The hours that rented machines ran; on some days they only stood there.
insert into rental.equipment_utilization (
    equipment_id, usage_date, hours_used
)
with bookings as (
    select
        demo_bookings.booking_key,
        demo_bookings.equipment_id,
        demo_bookings.starts_on,
        least(demo_bookings.ends_on, demo_business.until_on) as last_on
    from demo_business
    cross join demo_bookings
    where demo_bookings.status <> 'cancelled'
),

days as (
    select
        *,
        generate_series(0, last_on - starts_on) as day_no
    from bookings
)

select
    equipment_id,
    starts_on + day_no as usage_date,
    round(
        sum(0.5 + 10 * pg_temp.u('hours', booking_key * 100 + day_no))::numeric,
        1
    ) as hours_used
from days
where pg_temp.u('used', booking_key * 100 + day_no) >= 0.08
group by
    equipment_id,
    usage_date
order by
    usage_date,
    equipment_id;

-- Each machine is serviced every two months or so, mostly on time; some
-- services are never done, and the next ones are in the book already. Those of
-- a machine that is out of service stay there.
insert into rental.equipment_maintenance (
    id, equipment_id, due_on, completed_at
)
with settings as (
    select
        60 as days_between,
        30 as days_ahead,
        3 as days_early,
        10 as days_spread,
        0.06 as forgotten_share
),

machines as (
    select
        settings.*,
        demo_business.*,
        demo_equipment.*
    from settings
    cross join demo_business
    cross join demo_equipment
),

services as (
    select
        *,
        generate_series(1, (until_on - bought_on + days_ahead) / days_between)
            as service_no
    from machines
),

due as (
    select
        *,
        equipment_no * 1000::bigint + service_no as service_key,
        bought_on + floor(
            days_between
            * (service_no + 0.5 * pg_temp.u('service phase', equipment_no))
        )::integer as due_on
    from services
),

completed as (
    select
        *,
        (
            due_on + '15:00'::time + '1 day'::interval * (
                days_spread * pg_temp.u('serviced at', service_key) - days_early
            )
        ) at time zone timezone as completed_at
    from due
)

select
    pg_temp.uuid('service', service_key) as service_id,
    equipment_id,
    due_on,
    case
        when
            completed_at < pg_temp.until_at()
            and due_on <= last_on
            and pg_temp.u('serviced', service_key) >= forgotten_share
            then completed_at
    end as completed_at
from completed
where due_on <= until_on + days_ahead
order by
    due_on,
    service_key;

-- Support answers the urgent first, and one ticket in ten later than promised.
-- Some tickets are never resolved, a few not even answered; of others the
-- answer is that they are resolved.
create temporary table demo_tickets on commit drop as
with settings as (
    select
        3.5 as tickets_a_day,
        0.5 as at_weekends,
        0.45 as share_of_target,
        0.02 as unanswered_share,
        0.05 as unresolved_share,
        0.04 as silent_share,
        0.2 as faithfulness,
        array[7, 8, 8, 9, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21]
            as busy_hours
),

business as (
    select
        settings.*,
        demo_business.*
    from settings
    cross join demo_business
),

days as (
    select
        *,
        generate_series(first_on - opened_on, until_on - opened_on) as day_no
    from business
),

tickets as (
    select
        *,
        generate_series(
            day_no * 1000000::bigint + 1,
            day_no * 1000000::bigint + pg_temp.whole(
                tickets_a_day * pg_temp.volume(1, 1) * pg_temp.busyness(
                    opened_on + day_no,
                    timezone,
                    day_no,
                    at_weekends,
                    pg_temp.u('support day', day_no)
                ),
                pg_temp.u('tickets', day_no)
            )
        ) as ticket_key
    from days
),

created as (
    select
        *,
        case
            when pg_temp.u('priority', ticket_key) < 0.30 then 'low'
            when pg_temp.u('priority', ticket_key) < 0.70 then 'medium'
            when pg_temp.u('priority', ticket_key) < 0.92 then 'high'
            else 'urgent'
        end as priority,
        1 + floor(
            greatest(
                1, floor(customers * (day_no - 1.0) / (until_on - opened_on))
            ) * power(pg_temp.u('ticket customer', ticket_key), faithfulness)
        )::integer as customer_no,
        (
            opened_on + day_no + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('ticket hour', ticket_key),
                pg_temp.u('ticket minute', ticket_key)
            )
        ) at time zone timezone as created_at
    from tickets
),

answered as (
    select
        *,
        case priority
            when 'urgent' then 4
            when 'high' then 8
            when 'medium' then 24
            else 72
        end as hours_to_resolve,
        case
            when pg_temp.u('answered', ticket_key) >= unanswered_share
                then
                    created_at + '1 minute'::interval * pg_temp.wait(
                        share_of_target * case priority
                            when 'urgent' then 15
                            when 'high' then 60
                            when 'medium' then 240
                            else 480
                        end,
                        pg_temp.u('answer wait', ticket_key)
                    )
        end as first_response_at
    from created
    where created_at < pg_temp.until_at()
),

resolved as (
    select
        *,
        case
            when pg_temp.u('resolved', ticket_key) >= unresolved_share
                then
                    first_response_at + '1 hour'::interval * pg_temp.wait(
                        share_of_target * hours_to_resolve,
                        pg_temp.u('resolution wait', ticket_key)
                    )
        end as resolved_at
    from answered
)

select
    ticket_key,
    priority,
    created_at,
    pg_temp.uuid('support ticket', ticket_key) as ticket_id,
    pg_temp.uuid('customer', customer_no) as customer_id,
    case
        when
            first_response_at < pg_temp.until_at()
            and (
                resolved_at is null
                or pg_temp.u('silent', ticket_key) >= silent_share
            )
            then first_response_at
    end as first_response_at,
    case when resolved_at < pg_temp.until_at() then resolved_at end
        as resolved_at
from resolved;

-- A resolved ticket is closed a week later, unless someone forgets; and some
-- that nobody ever resolved are closed after a month.
insert into rental.support_tickets (
    id,
    customer_id,
    priority,
    status,
    created_at,
    first_response_at,
    resolved_at
)
select
    ticket_id,
    customer_id,
    priority,
    case
        when
            resolved_at is null
            and created_at < pg_temp.until_at() - '30 days'::interval
            and pg_temp.u('given up', ticket_key) < 0.3
            then 'closed'
        when resolved_at is null and first_response_at is null then 'open'
        when resolved_at is null then 'in_progress'
        when
            resolved_at < pg_temp.until_at() - '7 days'::interval
            and pg_temp.u('closed', ticket_key) >= 0.2
            then 'closed'
        else 'resolved'
    end as ticket_status,
    created_at,
    first_response_at,
    resolved_at
from demo_tickets
order by
    created_at,
    ticket_key;

-- What customers are asked: of their tickets, and of their bookings.
insert into rental.notifications (ticket_id, kind, sent_at)
with notifications as (
    select
        ticket_id,
        'ticket_received' as kind,
        created_at as sent_at,
        ticket_key as row_key
    from demo_tickets

    union all

    select
        ticket_id,
        'ticket_answered' as kind,
        first_response_at as sent_at,
        ticket_key as row_key
    from demo_tickets

    union all

    select
        ticket_id,
        'ticket_resolved' as kind,
        resolved_at as sent_at,
        ticket_key as row_key
    from demo_tickets

    union all

    select
        null as ticket_id,
        'booking_confirmed' as kind,
        created_at as sent_at,
        booking_key as row_key
    from demo_bookings
    where status not in ('pending', 'cancelled')

    union all

    select
        null as ticket_id,
        'booking_reminder' as kind,
        (demo_bookings.starts_on - '15:00'::interval)
        at time zone demo_business.timezone as sent_at,
        demo_bookings.booking_key as row_key
    from demo_business
    cross join demo_bookings
    where
        demo_bookings.status <> 'cancelled'
        and demo_bookings.created_on < demo_bookings.starts_on
)

select
    ticket_id,
    kind,
    sent_at
from notifications
where sent_at < pg_temp.until_at()
order by
    sent_at,
    kind,
    row_key;
