"""The communities' summaries, straight from the source tables."""

KPI_DAILY = """
with days as (
    select
        c.id as community_id,
        c.timezone as tz,
        day::date as day
    from community.communities c,
        generate_series(
            (c.created_at at time zone c.timezone)::date,
            (%(now)s at time zone c.timezone)::date - 1,
            interval '1 day'
        ) as day
),
-- Every source row, and what became of it, on its local day.
happened (community_id, at, what, detail, amount) as (
    select community_id, occurred_at, decision, entry_type, null::numeric
    from community.access_logs
    union all
    select community_id, reported_at, 'reported', null, null from community.incidents
    union all
    select community_id, resolved_at, 'settled', null, null from community.incidents
    union all
    select community_id, scheduled_at, 'patrol', status, null
    from community.patrol_logs
    union all
    select community_id, posted_at, kind, null, amount
    from community.transactions
    where voided_at is null
    union all
    select community_id, created_at, 'announcement', null, null
    from community.announcements
    union all
    select community_id, created_at, 'message', null, null from community.messages
    union all
    select community_id, created_at, 'reserved', null, null
    from community.reservations
    union all
    select community_id, cancelled_at, 'called off', null, null
    from community.reservations
    union all
    select community_id, starts_at, 'began', status, null from community.reservations
    union all
    select community_id, received_at, 'parcel in', null, null from community.packages
    union all
    select community_id, picked_up_at, 'parcel out', null, null
    from community.packages
    union all
    select community_id, created_at, 'ticket', null, null from community.tickets
    union all
    select community_id, resolved_at, 'ticket done', null, null
    from community.tickets
),
by_day as (
    select
        community_id,
        (at at time zone c.timezone)::date as day,
        sum((what = 'granted')::int) as granted,
        sum((what = 'granted' and detail = 'resident')::int) as residents,
        sum((what = 'granted' and detail = 'visitor')::int) as visitors,
        sum((what = 'denied')::int) as denied,
        sum((what = 'reported')::int) as reported,
        sum((what = 'settled')::int) as settled,
        sum((what = 'patrol' and detail = 'completed')::int) as passed,
        sum((what = 'patrol' and detail = 'missed')::int) as missed,
        sum((what = 'payment')::int) as payments,
        sum(case what when 'payment' then amount else 0 end) as paid,
        sum((what = 'charge')::int) as charges,
        sum(case what when 'charge' then amount else 0 end) as charged,
        sum((what = 'announcement')::int) as announcements,
        sum((what = 'message')::int) as messages,
        sum((what = 'reserved')::int) as reserved,
        sum((what = 'called off')::int) as called_off,
        sum((what = 'began' and detail = 'no_show')::int) as no_shows,
        sum((what = 'parcel in')::int) as parcels_in,
        sum((what = 'parcel out')::int) as parcels_out,
        sum((what = 'ticket')::int) as tickets,
        sum((what = 'ticket done')::int) as tickets_done
    from happened
    join community.communities c on c.id = community_id
    group by 1, 2
),
hours as (
    select community_id, day, jsonb_object_agg(hour, entries) as entries_by_hour
    from (
        select
            l.community_id,
            (l.occurred_at at time zone c.timezone)::date as day,
            to_char(l.occurred_at at time zone c.timezone, 'HH24') as hour,
            count(*) as entries
        from community.access_logs l
        join community.communities c on c.id = l.community_id
        where l.decision = 'granted'
        group by 1, 2, 3
    ) as by_hour
    group by 1, 2
),
-- A balance holds from its day to the one before the next.
balances as (
    select
        u.community_id,
        b.balance,
        b.oldest_due_date,
        b.as_of_date as first_day,
        coalesce(
            lead(b.as_of_date) over (partition by b.unit_id order by b.as_of_date)
            - 1,
            'infinity'
        ) as last_day
    from community.unit_balances b
    join community.units u on u.id = b.unit_id
),
debts as (
    select d.community_id, d.day, count(*) as units, sum(b.balance) as owed
    from days d
    join balances b
        on b.community_id = d.community_id
        and d.day between b.first_day and b.last_day
    where b.balance > 0 and b.oldest_due_date < d.day
    group by 1, 2
),
parcels as (
    select d.community_id, d.day, count(*) as pending
    from days d
    join community.packages p
        on p.community_id = d.community_id
        and (p.received_at at time zone d.tz)::date <= d.day
        and coalesce((p.picked_up_at at time zone d.tz)::date > d.day, true)
    group by 1, 2
)
select
    md5('["' || d.community_id || '", "' || d.day || '"]')::uuid as id,
    d.community_id,
    d.day as metric_date,
    coalesce(granted, 0) as total_entries,
    coalesce(residents, 0) as resident_entries,
    coalesce(visitors, 0) as visitor_entries,
    coalesce(denied, 0) as denied_entries,
    coalesce(entries_by_hour, '{}') as entries_by_hour,
    coalesce(reported, 0) as incidents_reported,
    coalesce(settled, 0) as incidents_resolved,
    coalesce(passed, 0) as patrol_checkpoints_completed,
    coalesce(missed, 0) as patrol_checkpoints_missed,
    coalesce(payments, 0) as payments_received,
    coalesce(paid, 0) as payments_amount,
    coalesce(charges, 0) as new_charges_count,
    coalesce(charged, 0) as new_charges_amount,
    coalesce(debts.units, 0) as units_delinquent,
    coalesce(debts.owed, 0) as total_delinquent_amount,
    coalesce(announcements, 0) as announcements_sent,
    coalesce(messages, 0) as messages_sent,
    coalesce(reserved, 0) as reservations_made,
    coalesce(called_off, 0) as reservations_cancelled,
    coalesce(no_shows, 0) as no_shows,
    coalesce(parcels_in, 0) as packages_received,
    coalesce(parcels_out, 0) as packages_picked_up,
    coalesce(parcels.pending, 0) as packages_pending,
    coalesce(tickets, 0) as tickets_opened,
    coalesce(tickets_done, 0) as tickets_closed
from days d
left join by_day using (community_id, day)
left join hours using (community_id, day)
left join debts using (community_id, day)
left join parcels using (community_id, day)
"""

# Of the days that are over, those of a week that is: all of them but the days
# before the community joined.
KPI_WEEKLY = """
with weeks as (
    select
        c.id as community_id,
        c.timezone as tz,
        (c.created_at at time zone c.timezone)::date as first_day,
        week::date as monday
    from community.communities c,
        generate_series(
            date_trunc('week', c.created_at at time zone c.timezone),
            date_trunc('week', %(now)s at time zone c.timezone) - interval '1 week',
            interval '1 week'
        ) as week
),
happened (community_id, what, at, amount) as (
    select community_id, 'entry', occurred_at, null::numeric
    from community.access_logs
    where decision = 'granted'
    union all
    select community_id, 'reported', reported_at, null from community.incidents
    union all
    select community_id, 'settled', resolved_at, null from community.incidents
    union all
    select community_id, 'payment', posted_at, amount
    from community.transactions
    where kind = 'payment' and voided_at is null
),
by_week as (
    select
        h.community_id,
        date_trunc('week', h.at at time zone c.timezone)::date as monday,
        count(case h.what when 'entry' then 1 end) as entries,
        count(case h.what when 'reported' then 1 end) as reported,
        count(case h.what when 'settled' then 1 end) as settled,
        sum(h.amount) as paid
    from happened h
    join community.communities c on c.id = h.community_id
    where
        (h.at at time zone c.timezone)::date
        >= (c.created_at at time zone c.timezone)::date
    group by 1, 2
),
counted as (
    select
        w.community_id,
        w.monday,
        w.monday + 7 - greatest(w.monday, w.first_day) as days,
        coalesce(b.entries, 0) as entries,
        coalesce(b.reported, 0) as reported,
        coalesce(b.settled, 0) as settled,
        coalesce(b.paid, 0) as paid
    from weeks w
    left join by_week b using (community_id, monday)
)
select
    md5(
        format(
            '["%%s", %%s, %%s]',
            community_id,
            to_char(monday, 'IYYY'),
            to_char(monday, 'FMIW')
        )
    )::uuid as id,
    community_id,
    to_char(monday, 'IYYY')::int as year,
    to_char(monday, 'IW')::int as week_number,
    monday as week_start,
    entries as total_entries,
    reported as incidents_reported,
    settled as incidents_resolved,
    paid as payments_amount,
    round(entries::numeric / days, 2) as avg_daily_entries,
    round(
        (entries - lag(entries) over before) * 100.0
        / nullif(lag(entries) over before, 0),
        2
    ) as entries_change_pct,
    round(
        (reported - lag(reported) over before) * 100.0
        / nullif(lag(reported) over before, 0),
        2
    ) as incidents_change_pct
from counted
window before as (partition by community_id order by monday)
"""

KPI_MONTHLY = """
with months as (
    select
        c.id as community_id,
        c.timezone as tz,
        (c.created_at at time zone c.timezone)::date as first_day,
        month::date as month,
        (month + interval '1 month')::date - 1 as last_day
    from community.communities c,
        generate_series(
            date_trunc('month', c.created_at at time zone c.timezone),
            date_trunc('month', %(now)s at time zone c.timezone)
            - interval '1 month',
            interval '1 month'
        ) as month
),
money as (
    select
        m.community_id,
        m.month,
        sum(t.amount) filter (where t.kind = 'charge') as billed,
        sum(t.amount) filter (where t.kind = 'payment') as collected
    from months m
    join community.transactions t
        on t.community_id = m.community_id
        and t.voided_at is null
        and (t.posted_at at time zone m.tz)::date
        between greatest(m.month, m.first_day) and m.last_day
    group by 1, 2
),
entered as (
    select
        m.community_id,
        m.month,
        count(*) filter (
            where (l.occurred_at at time zone m.tz)::date >= m.first_day
        ) as entries,
        count(distinct l.visitor_id) as visitors
    from months m
    join community.access_logs l
        on l.community_id = m.community_id
        and l.decision = 'granted'
        and date_trunc('month', l.occurred_at at time zone m.tz) = m.month
    group by 1, 2
),
categories as (
    select community_id, month, jsonb_object_agg(category, incidents) as by_category
    from (
        select
            m.community_id,
            m.month,
            i.category,
            count(*) as incidents
        from months m
        join community.incidents i
            on i.community_id = m.community_id
            and date_trunc('month', i.reported_at at time zone m.tz) = m.month
        group by 1, 2, 3
    ) as counted
    group by 1, 2
),
debts as (
    select
        m.community_id,
        m.month,
        m.last_day - b.oldest_due_date as days_overdue
    from months m
    join community.units u on u.community_id = m.community_id
    join community.unit_balances b on b.unit_id = u.id
    where
        b.balance > 0
        and b.as_of_date = (
            select max(newest.as_of_date)
            from community.unit_balances newest
            where newest.unit_id = u.id and newest.as_of_date <= m.last_day
        )
),
overdue as (
    select
        community_id,
        month,
        sum((days_overdue between 30 and 59)::int) as debts_30,
        sum((days_overdue between 60 and 89)::int) as debts_60,
        sum((days_overdue >= 90)::int) as debts_90
    from debts
    group by 1, 2
),
used as (
    select
        m.community_id,
        m.month,
        a.name,
        a.open_hours_per_day * (m.last_day - m.month + 1) as open_hours,
        (
            select coalesce(sum(extract(epoch from r.ends_at - r.starts_at)), 0)
            from community.reservations r
            where
                r.amenity_id = a.id
                and r.status <> 'cancelled'
                and date_trunc('month', r.starts_at at time zone m.tz) = m.month
        ) / 3600 as used_hours
    from months m
    join community.amenities a on a.community_id = m.community_id
),
amenities as (
    select community_id, month, jsonb_object_agg(name, used_pct) as by_amenity
    from (
        select
            community_id,
            month,
            name,
            round(100 * sum(used_hours) / nullif(sum(open_hours), 0), 2) as used_pct
        from used
        group by 1, 2, 3
    ) as named
    group by 1, 2
),
complete as (
    select
        m.*,
        coalesce(billed, 0) as billed,
        coalesce(collected, 0) as collected,
        round(100 * coalesce(collected, 0) / nullif(billed, 0), 2) as rate
    from months m
    left join money using (community_id, month)
)
select
    md5(
        format('["%%s", %%s]', community_id, to_char(month, 'YYYY, FMMM'))
    )::uuid as id,
    community_id,
    extract(year from month) as year,
    extract(month from month) as month,
    billed as total_billed,
    collected as total_collected,
    rate as collection_rate,
    coalesce(debts_30, 0) as units_delinquent_30_days,
    coalesce(debts_60, 0) as units_delinquent_60_days,
    coalesce(debts_90, 0) as units_delinquent_90_days,
    coalesce(entries, 0) as total_entries,
    coalesce(visitors, 0) as unique_visitors,
    (
        select count(*)
        from community.incidents i
        where
            i.community_id = m.community_id
            and (i.reported_at at time zone tz)::date
            between greatest(month, first_day) and last_day
    ) as total_incidents,
    coalesce(by_category, '{}') as incidents_by_category,
    (
        select round(avg(extract(epoch from resolved_at - reported_at)) / 3600, 2)
        from community.incidents i
        where
            i.community_id = m.community_id
            and (i.resolved_at at time zone tz)::date between month and last_day
    ) as avg_resolution_hours,
    (
        select count(*)
        from community.reservations r
        where
            r.community_id = m.community_id
            and (r.created_at at time zone tz)::date between month and last_day
    ) as total_reservations,
    coalesce(by_amenity, '{}') as utilization_by_amenity,
    rate - lag(rate) over (partition by community_id order by month)
        as collection_rate_change
from complete m
left join entered using (community_id, month)
left join categories using (community_id, month)
left join overdue using (community_id, month)
left join amenities using (community_id, month)
"""

QUERIES = {
    "kpi_daily": KPI_DAILY,
    "kpi_weekly": KPI_WEEKLY,
    "kpi_monthly": KPI_MONTHLY,
}
