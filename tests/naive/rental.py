"""The rental business's summaries, straight from the source tables."""

REVENUE_TRENDS = """
with days as (
    select day::date as day
    from generate_series(
        (
            select min(created_at at time zone 'America/New_York')::date
            from rental.users
        ),
        (%(now)s at time zone 'America/New_York')::date,
        interval '1 day'
    ) as day
),
money (day, kind, amount) as (
    select
        (p.paid_at at time zone 'America/New_York')::date,
        coalesce(b.kind, 'balance'),
        p.amount
    from rental.payments p
    left join rental.booking_payments b on b.payment_id = p.id
    where p.status = 'succeeded'
    union all
    select (received_at at time zone 'America/New_York')::date, 'balance', amount
    from rental.manual_payments
)
select
    day as bucket_date,
    coalesce(sum(amount) filter (where kind <> 'refund'), 0) as gross_revenue,
    coalesce(sum(amount) filter (where kind = 'deposit'), 0) as deposits,
    coalesce(sum(amount) filter (where kind = 'balance'), 0) as balance,
    coalesce(sum(amount) filter (where kind = 'refund'), 0) as refunds
from days
left join money using (day)
group by day
"""

BOOKING_TRENDS = """
with days as (
    select day::date as day
    from generate_series(
        (
            select min(created_at at time zone 'America/New_York')::date
            from rental.users
        ),
        (%(now)s at time zone 'America/New_York')::date,
        interval '1 day'
    ) as day
),
by_status as (
    select
        (created_at at time zone 'America/New_York')::date as day,
        status,
        count(*) as bookings
    from rental.bookings
    group by 1, 2
),
made as (
    select
        day,
        jsonb_object_agg(status, bookings) as status_counts,
        sum(bookings) as bookings
    from by_status
    group by 1
),
called_off as (
    select
        (cancelled_at at time zone 'America/New_York')::date as day,
        count(*) as cancellations
    from rental.bookings
    group by 1
)
select
    day as bucket_date,
    coalesce(status_counts, '{}') as status_counts,
    coalesce(bookings, 0) as bookings,
    coalesce(cancellations, 0) as cancellations,
    (
        select count(*)
        from rental.insurance_documents
        where
            submitted_at < %(now)s
            and (submitted_at at time zone 'America/New_York')::date <= day
            and case
                when reviewed_at is null then status = 'pending'
                else
                    reviewed_at >= %(now)s
                    or (reviewed_at at time zone 'America/New_York')::date > day
            end
    ) as insurance_pending
from days
left join made using (day)
left join called_off using (day)
"""

FINANCIAL_SUMMARY = """
with days as (
    select day::date as day
    from generate_series(
        (
            select min(created_at at time zone 'America/New_York')::date
            from rental.users
        ),
        (%(now)s at time zone 'America/New_York')::date,
        interval '1 day'
    ) as day
),
cards as (
    select (paid_at at time zone 'America/New_York')::date as day, sum(amount) as paid
    from rental.payments
    where
        status = 'succeeded'
        and id not in (
            select payment_id from rental.booking_payments where kind = 'refund'
        )
    group by 1
),
by_hand as (
    select
        (received_at at time zone 'America/New_York')::date as day,
        sum(amount) as received
    from rental.manual_payments
    group by 1
),
ledger as (
    select
        (occurred_at at time zone 'America/New_York')::date as day,
        sum(
            case kind
                when 'revenue' then amount
                when 'refund' then -amount
                when 'fee' then -amount
                else 0
            end
        ) as net
    from rental.financial_transactions
    group by 1
)
select
    day as snapshot_date,
    coalesce(paid, 0) as stripe_collections,
    coalesce(received, 0) as manual_collections,
    (
        select coalesce(sum(amount), 0)
        from rental.payment_schedules
        where
            due_on <= day
            and (
                paid_at is null
                or paid_at >= %(now)s
                or (paid_at at time zone 'America/New_York')::date > day
            )
    ) as ar_balance,
    (
        select coalesce(sum(amount), 0)
        from rental.payout_reconciliations
        where
            created_at < %(now)s
            and (created_at at time zone 'America/New_York')::date <= day
            and case
                when settled_at is null then status = 'pending'
                else
                    settled_at >= %(now)s
                    or (settled_at at time zone 'America/New_York')::date > day
            end
    ) as payouts_pending,
    coalesce(net, 0) as net_revenue
from days
left join cards using (day)
left join by_hand using (day)
left join ledger using (day)
"""

# Days before the first are missing in `days`, and so is what they would be
# compared with.
DASHBOARD_KPIS = """
with days as (
    select
        day::date as day,
        day < date_trunc('day', %(now)s at time zone 'America/New_York') as is_over
    from generate_series(
        (
            select min(created_at at time zone 'America/New_York')::date
            from rental.users
        ),
        (%(now)s at time zone 'America/New_York')::date,
        interval '1 day'
    ) as day
),
rented as (
    select b.customer_id, b.equipment_id, e.is_active, day::date as day
    from rental.bookings b
    join rental.equipment e on e.id = b.equipment_id,
        generate_series(b.starts_on, b.ends_on, interval '1 day') as day
    where b.status <> 'cancelled'
),
figures as (
    select
        day,
        'bookings' as figure,
        (
            select count(*)::numeric
            from rental.bookings
            where (created_at at time zone 'America/New_York')::date = day
        ) as value
    from days
    union all
    select
        day,
        'revenue',
        (
            select coalesce(sum(p.amount), 0)
            from rental.payments p
            where
                p.status = 'succeeded'
                and (p.paid_at at time zone 'America/New_York')::date = day
                and not exists (
                    select from rental.booking_payments b
                    where b.payment_id = p.id and b.kind = 'refund'
                )
        ) + (
            select coalesce(sum(amount), 0)
            from rental.manual_payments
            where (received_at at time zone 'America/New_York')::date = day
        )
    from days
    union all
    select
        day,
        'utilization_pct',
        round(
            100.0 * count(distinct r.equipment_id) filter (where r.is_active)
            / nullif((select count(*) from rental.equipment where is_active), 0),
            2
        )
    from days
    left join rented r using (day)
    group by day
    union all
    select day, 'active_customers', count(distinct r.customer_id)
    from days
    left join rented r using (day)
    group by day
    union all
    select
        day,
        'outstanding_balance',
        (
            select coalesce(sum(amount), 0)
            from rental.payment_schedules
            where
                due_on <= day
                and (
                    paid_at is null
                    or paid_at >= %(now)s
                    or (paid_at at time zone 'America/New_York')::date > day
                )
        )
    from days
),
compared as (
    select
        *,
        lag(value, 7) over (partition by figure order by day) as previous
    from figures
),
changes as (
    select
        *,
        round((value - previous) / nullif(previous, 0) * 100, 2) as change
    from compared
),
alerts as (
    select day, 'bookings_drop' as type, 'medium' as severity
    from changes join days using (day)
    where figure = 'bookings' and change <= -50 and is_over
    union all
    select day, 'revenue_drop', 'high'
    from changes join days using (day)
    where figure = 'revenue' and change <= -50 and is_over
    union all
    select day, 'utilization_low', 'medium' from changes
    where figure = 'utilization_pct' and value < 20
    union all
    select day, 'outstanding_balance_high', 'high' from changes
    where figure = 'outstanding_balance' and value > 10000
)
select
    day as snapshot_date,
    jsonb_object_agg(
        figure,
        jsonb_build_object(
            'value', value, 'previous', previous, 'change_pct', change
        )
    ) as metrics,
    (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object('type', type, 'severity', severity)
                    order by type
                ),
                '[]'
            )
        from alerts
        where alerts.day = changes.day
    ) as alerts
from changes
group by day
"""

EQUIPMENT_UTILIZATION = """
with days as (
    select day::date as day
    from generate_series(
        (
            select min(created_at at time zone 'America/New_York')::date
            from rental.users
        ),
        (%(now)s at time zone 'America/New_York')::date,
        interval '1 day'
    ) as day
),
-- A row for each booking and day, with the day's share of the money.
rented as (
    select
        equipment_id,
        day::date as rented_on,
        total_amount::numeric(60, 30) / count(*) over (partition by id) as earned
    from rental.bookings,
        generate_series(starts_on, ends_on, interval '1 day') as day
    where status <> 'cancelled'
)
select
    d.day as snapshot_date,
    e.id as equipment_id,
    round(count(distinct r.rented_on) * 100 / 30.0, 2) as utilization_pct,
    count(distinct r.rented_on) as rented_days,
    exists (
        select from rental.equipment_maintenance m
        where
            m.equipment_id = e.id
            and m.due_on <= d.day
            and (
                m.completed_at is null
                or m.completed_at >= %(now)s
                or (m.completed_at at time zone 'America/New_York')::date > d.day
            )
    ) as maintenance_due,
    -- Thirds that add up to a whole cent, or a half, are one.
    round(round(coalesce(sum(r.earned), 0), 25), 2) as revenue
from days d
join rental.equipment e on e.is_active
left join rented r
    on r.equipment_id = e.id
    and r.rented_on > d.day - 30
    and r.rented_on <= d.day
group by d.day, e.id
"""

CUSTOMER_COHORTS = """
with bookings as (
    select
        customer_id,
        date_trunc('month', created_at at time zone 'America/New_York')::date as month
    from rental.bookings
    where status <> 'cancelled'
),
customers as (
    select
        customer_id,
        min(month) as cohort_month,
        count(distinct month) > 1 as came_back,
        (
            select coalesce(sum(p.amount), 0)
            from rental.payments p
            left join rental.booking_payments b on b.payment_id = p.id
            where
                p.customer_id = bookings.customer_id
                and p.status = 'succeeded'
                and b.kind is distinct from 'refund'
        ) - (
            select coalesce(sum(p.amount), 0)
            from rental.payments p
            join rental.booking_payments b on b.payment_id = p.id
            where
                p.customer_id = bookings.customer_id
                and p.status = 'succeeded'
                and b.kind = 'refund'
        ) as paid
    from bookings
    group by customer_id
),
cohorts as (
    select
        cohort_month,
        count(*) as customers,
        sum(came_back::int) as came_back,
        avg(paid) as paid
    from customers
    group by 1
),
retained as (
    select
        c.cohort_month,
        (month.no - 1)::text as months_since,
        (
            select count(distinct b.customer_id)
            from bookings b
            join customers using (customer_id)
            where
                customers.cohort_month = c.cohort_month
                and b.month = month.start
        ) * 100.0 / c.customers as pct
    from cohorts c,
        generate_series(
            c.cohort_month, %(now)s at time zone 'America/New_York', interval '1 month'
        ) with ordinality as month (start, no)
)
select
    cohort_month,
    customers as new_customers,
    came_back as returning_customers,
    round(came_back * 100.0 / customers, 2) as retention_rate,
    round(paid, 2) as avg_ltv,
    (
        select jsonb_object_agg(months_since, round(pct, 2))
        from retained
        where retained.cohort_month = cohorts.cohort_month
    ) as retention_by_month
from cohorts
"""

SUPPORT_SLA = """
with days as (
    select day::date as day
    from generate_series(
        (
            select min(created_at at time zone 'America/New_York')::date
            from rental.users
        ),
        (%(now)s at time zone 'America/New_York')::date,
        interval '1 day'
    ) as day
),
targets (priority, to_respond, to_resolve) as (
    values
    ('urgent', interval '15 minutes', interval '4 hours'),
    ('high', '1 hour', '8 hours'),
    ('medium', '4 hours', '24 hours'),
    ('low', '8 hours', '72 hours')
),
tickets as (
    select
        *,
        created_at + to_respond as respond_by,
        created_at + to_resolve as resolve_by,
        resolved_at is null and status in ('open', 'in_progress') as is_unfinished
    from rental.support_tickets
    join targets using (priority)
),
-- What is still to come is late once its time has passed.
breaches (broken_at) as (
    select respond_by from tickets
    where
        coalesce(
            least(first_response_at, resolved_at),
            case when is_unfinished then 'infinity'::timestamptz end
        ) > respond_by
        and respond_by <= %(now)s
    union all
    select resolve_by from tickets
    where
        coalesce(
            resolved_at, case when is_unfinished then 'infinity'::timestamptz end
        ) > resolve_by
        and resolve_by <= %(now)s
)
select
    day as bucket_date,
    (
        select coalesce(jsonb_object_agg(priority, waiting), '{}')
        from (
            select priority, count(*) as waiting
            from tickets
            where
                created_at < %(now)s
                and (created_at at time zone 'America/New_York')::date <= day
                and (
                    is_unfinished
                    or resolved_at >= %(now)s
                    or (resolved_at at time zone 'America/New_York')::date > day
                )
            group by priority
        ) as by_priority
    ) as priority_counts,
    (
        select count(*)
        from breaches
        where (broken_at at time zone 'America/New_York')::date = day
    ) as sla_breaches,
    (
        select round(avg(extract(epoch from first_response_at - created_at)) / 60, 2)
        from tickets
        where (first_response_at at time zone 'America/New_York')::date = day
    ) as avg_first_response_minutes,
    (
        select round(avg(extract(epoch from resolved_at - created_at)) / 3600, 2)
        from tickets
        where (resolved_at at time zone 'America/New_York')::date = day
    ) as avg_resolution_hours
from days
"""

# A machine is hardly used since the day after the last one on which it was used.
ALERT_CANDIDATES = """
with days as (
    select day::date as day
    from generate_series(
        (
            select min(created_at at time zone 'America/New_York')::date
            from rental.users
        ),
        (%(now)s at time zone 'America/New_York')::date,
        interval '1 day'
    ) as day
),
rented as (
    select distinct equipment_id, day::date as rented_on
    from rental.bookings,
        generate_series(starts_on, ends_on, interval '1 day') as day
    where status <> 'cancelled'
),
usage as (
    select e.id as equipment_id, d.day, round(count(r.rented_on) / 0.30, 2) as pct
    from days d
    join rental.equipment e on e.is_active
    left join rented r
        on r.equipment_id = e.id and r.rented_on between d.day - 29 and d.day
    group by 1, 2
),
unused as (
    select
        equipment_id,
        pct,
        coalesce(
            (
                select max(used.day) + 1
                from usage used
                where used.equipment_id = usage.equipment_id and used.pct >= 20
            ),
            (select min(day) from days)
        ) as since
    from usage
    where day = (select max(day) from days) and pct < 20
),
breaches (alert_type, entity_id, detected_at, severity, payload) as (
    select
        'sla_breach',
        id,
        created_at + least(
            case priority
                when 'urgent' then interval '4 hours'
                when 'high' then '8 hours'
                when 'medium' then '24 hours'
                when 'low' then '72 hours'
            end,
            case
                when first_response_at is not null then null
                when priority = 'urgent' then interval '15 minutes'
                when priority = 'high' then '1 hour'
                when priority = 'medium' then '4 hours'
                when priority = 'low' then '8 hours'
            end
        ),
        case priority when 'urgent' then 'critical' else priority end,
        jsonb_build_object(
            'customer_id', customer_id,
            'priority', priority,
            'awaits',
            case when first_response_at is null then 'first_response'
            else 'resolution' end
        )
    from rental.support_tickets
    where resolved_at is null and status in ('open', 'in_progress')
    union all
    select
        'insurance_overdue',
        id,
        submitted_at + interval '48 hours',
        'high',
        jsonb_build_object(
            'booking_id', booking_id,
            'submitted_on', (submitted_at at time zone 'America/New_York')::date
        )
    from rental.insurance_documents
    where reviewed_at is null and status = 'pending'
    union all
    select
        'payment_overdue',
        id,
        (due_on + 1)::timestamp at time zone 'America/New_York',
        'medium',
        jsonb_build_object(
            'booking_id', booking_id, 'due_on', due_on, 'amount', amount
        )
    from rental.payment_schedules
    where paid_at is null
    union all
    select
        'maintenance_overdue',
        m.id,
        (m.due_on + 1)::timestamp at time zone 'America/New_York',
        'high',
        jsonb_build_object('equipment_id', m.equipment_id, 'due_on', m.due_on)
    from rental.equipment_maintenance m
    join rental.equipment e on e.id = m.equipment_id
    where m.completed_at is null and e.is_active
    union all
    select
        'low_utilization',
        equipment_id,
        since::timestamp at time zone 'America/New_York',
        'low',
        jsonb_build_object('utilization_pct', pct, 'low_since', since)
    from unused
)
select * from breaches where detected_at <= %(now)s
"""

QUERIES = {
    "dashboard_kpis": DASHBOARD_KPIS,
    "revenue_trends": REVENUE_TRENDS,
    "booking_trends": BOOKING_TRENDS,
    "equipment_utilization": EQUIPMENT_UTILIZATION,
    "customer_cohorts": CUSTOMER_COHORTS,
    "support_sla": SUPPORT_SLA,
    "financial_summary": FINANCIAL_SUMMARY,
    "alert_candidates": ALERT_CANDIDATES,
}
