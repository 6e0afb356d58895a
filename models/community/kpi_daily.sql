with periods as (
    select * from {{ periods(ref('int_community__calendar')) }} as periods
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

{{ open_at_end(
    'pending',
    'packages',
    opened='packages.received_at',
    closed='packages.picked_up_at',
    by=['community_id']
) }},

final as (
    select
        {{ row_id(['periods.community_id', 'periods.metric_date']) }} as id,
        periods.community_id,
        periods.metric_date,
        counts.*,
        debts.units_delinquent,
        debts.total_delinquent_amount,
        pending.total::integer as packages_pending,
        now() as computed_at
    from periods

    inner join lateral (
        select
            {{ count_events('entry_granted') }} as total_entries,
            {{ count_events('entry_granted', 'resident') }} as resident_entries,
            {{ count_events('entry_granted', 'visitor') }} as visitor_entries,
            {{ count_events('entry_denied') }} as denied_entries,
            {{ count_by(
                "to_char(events.occurred_at at time zone periods.timezone,"
                ~ " 'HH24')",
                "events.event = 'entry_granted'"
            ) }} as entries_by_hour,
            {{ count_events('incident_reported') }} as incidents_reported,
            {{ count_events('incident_resolved') }} as incidents_resolved,
            {{ count_events('checkpoint_completed') }}
                as patrol_checkpoints_completed,
            {{ count_events('checkpoint_missed') }}
                as patrol_checkpoints_missed,
            {{ count_events('payment') }} as payments_received,
            {{ sum_events('payment') }} as payments_amount,
            {{ count_events('charge') }} as new_charges_count,
            {{ sum_events('charge') }} as new_charges_amount,
            {{ count_events('announcement_sent') }} as announcements_sent,
            {{ count_events('message_sent') }} as messages_sent,
            {{ count_events('reservation_made') }} as reservations_made,
            {{ count_events('reservation_cancelled') }}
                as reservations_cancelled,
            {{ count_events('no_show') }} as no_shows,
            {{ count_events('package_received') }} as packages_received,
            {{ count_events('package_picked_up') }} as packages_picked_up,
            {{ count_events('ticket_opened') }} as tickets_opened,
            {{ count_events('ticket_closed') }} as tickets_closed
        from events
        where
            events.community_id = periods.community_id
            and {{ during('events.occurred_at') }}
    ) as counts on true

    inner join lateral (
        select
            count(*)::integer as units_delinquent,
            coalesce(sum(latest.balance), 0) as total_delinquent_amount
        from units
        inner join lateral (
            {{ latest_as_of(
                'unit_balances', 'units', 'unit_id', 'as_of_date',
                'periods.metric_date'
            ) }}
        ) as latest on true
        where
            units.community_id = periods.community_id
            and latest.balance > 0
            and latest.oldest_due_date < periods.metric_date
    ) as debts on true

    inner join pending
        on
            periods.community_id = pending.community_id
            and periods.ends_at = pending.at
)

select * from final
