with periods as (
    select * from {{ periods(ref('int_community__calendar')) }}
),

events as (
    select * from {{ ref('int_community__events') }}
),

packages as (
    select * from {{ ref('stg_community__packages') }}
),

units as (
    select * from {{ ref('stg_community__units') }}
),

unit_balances as (
    select * from {{ ref('stg_community__unit_balances') }}
),

counted as (
    select
        periods.community_id,
        periods.metric_date,
        {{ count_events('entry_granted') }} as total_entries,
        {{ count_events('entry_granted', 'resident') }} as resident_entries,
        {{ count_events('entry_granted', 'visitor') }} as visitor_entries,
        {{ count_events('entry_denied') }} as denied_entries,
        {{ count_events('incident_reported') }} as incidents_reported,
        {{ count_events('incident_resolved') }} as incidents_resolved,
        {{ count_events('checkpoint_completed') }}
            as patrol_checkpoints_completed,
        {{ count_events('checkpoint_missed') }} as patrol_checkpoints_missed,
        {{ count_events('payment') }} as payments_received,
        {{ sum_events('payment') }} as payments_amount,
        {{ count_events('charge') }} as new_charges_count,
        {{ sum_events('charge') }} as new_charges_amount,
        {{ count_events('announcement_sent') }} as announcements_sent,
        {{ count_events('message_sent') }} as messages_sent,
        {{ count_events('reservation_made') }} as reservations_made,
        {{ count_events('reservation_cancelled') }} as reservations_cancelled,
        {{ count_events('no_show') }} as no_shows,
        {{ count_events('package_received') }} as packages_received,
        {{ count_events('package_picked_up') }} as packages_picked_up,
        {{ count_events('ticket_opened') }} as tickets_opened,
        {{ count_events('ticket_closed') }} as tickets_closed
    from periods
    left join events
        on
            periods.community_id = events.community_id
            and {{ during('events.occurred_at') }}
    group by periods.community_id, periods.metric_date
),

hours as (
    select
        periods.community_id,
        periods.metric_date,
        to_char(events.occurred_at at time zone periods.timezone, 'HH24')
            as entry_hour,
        count(*) as entries
    from periods
    inner join events
        on
            periods.community_id = events.community_id
            and {{ during('events.occurred_at') }}
            and events.event = 'entry_granted'
    group by periods.community_id, periods.metric_date, entry_hour
),

entries_by_hour as (
    select
        community_id,
        metric_date,
        jsonb_object_agg(entry_hour, entries) as entries_by_hour
    from hours
    group by community_id, metric_date
),

debts as (
    select
        periods.community_id,
        periods.metric_date,
        count(*)::integer as units_delinquent,
        sum(latest.balance) as total_delinquent_amount
    from periods
    inner join units on periods.community_id = units.community_id
    cross join lateral (
        {{ latest_as_of(
            'unit_balances', 'units', 'unit_id', 'as_of_date',
            'periods.metric_date'
        ) }}
    ) as latest
    where
        latest.balance > 0
        and latest.oldest_due_date < periods.metric_date
    group by periods.community_id, periods.metric_date
),

waiting as (
    select
        periods.community_id,
        periods.metric_date,
        count(*)::integer as packages_pending
    from periods
    inner join packages
        on
            periods.community_id = packages.community_id
            and periods.ends_at > packages.received_at
            and (
                packages.picked_up_at is null
                or packages.picked_up_at >= periods.ends_at
            )
    group by periods.community_id, periods.metric_date
),

final as (
    select
        {{ row_id(['counted.community_id', 'counted.metric_date']) }} as id,
        counted.community_id,
        counted.metric_date,
        counted.total_entries,
        counted.resident_entries,
        counted.visitor_entries,
        counted.denied_entries,
        coalesce(entries_by_hour.entries_by_hour, '{}') as entries_by_hour,
        counted.incidents_reported,
        counted.incidents_resolved,
        counted.patrol_checkpoints_completed,
        counted.patrol_checkpoints_missed,
        counted.payments_received,
        counted.payments_amount,
        counted.new_charges_count,
        counted.new_charges_amount,
        coalesce(debts.units_delinquent, 0) as units_delinquent,
        coalesce(debts.total_delinquent_amount, 0) as total_delinquent_amount,
        counted.announcements_sent,
        counted.messages_sent,
        counted.reservations_made,
        counted.reservations_cancelled,
        counted.no_shows,
        counted.packages_received,
        counted.packages_picked_up,
        coalesce(waiting.packages_pending, 0) as packages_pending,
        counted.tickets_opened,
        counted.tickets_closed,
        now() as computed_at
    from counted
    left join entries_by_hour using (community_id, metric_date)
    left join debts using (community_id, metric_date)
    left join waiting using (community_id, metric_date)
)

select * from final
