with periods as (
    select * from {{ kpi_engine.periods(ref('int_community__calendar')) }} as periods
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

{{ kpi_engine.open_at_end(
    'pending',
    'packages',
    opened='packages.received_at',
    closed='packages.picked_up_at',
    by=['community_id']
) }},

final as (
    select
        {{ kpi_engine.row_id(['periods.community_id', 'periods.metric_date']) }} as id,
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
            {{ kpi_engine.count_events('entry_granted') }} as total_entries,
            {{ kpi_engine.count_events(
                'entry_granted', 'resident'
            ) }} as resident_entries,
            {{ kpi_engine.count_events(
                'entry_granted', 'visitor'
            ) }} as visitor_entries,
            {{ kpi_engine.count_events('entry_denied') }} as denied_entries,
            {{ kpi_engine.count_by(
                "to_char(events.occurred_at at time zone periods.timezone,"
                ~ " 'HH24')",
                "events.event = 'entry_granted'"
            ) }} as entries_by_hour,
            {{ kpi_engine.count_events('incident_reported') }} as incidents_reported,
            {{ kpi_engine.count_events('incident_resolved') }} as incidents_resolved,
            {{ kpi_engine.count_events('checkpoint_completed') }}
                as patrol_checkpoints_completed,
            {{ kpi_engine.count_events('checkpoint_missed') }}
                as patrol_checkpoints_missed,
            {{ kpi_engine.count_events('payment') }} as payments_received,
            {{ kpi_engine.sum_events('payment') }} as payments_amount,
            {{ kpi_engine.count_events('charge') }} as new_charges_count,
            {{ kpi_engine.sum_events('charge') }} as new_charges_amount,
            {{ kpi_engine.count_events('announcement_sent') }} as announcements_sent,
            {{ kpi_engine.count_events('message_sent') }} as messages_sent,
            {{ kpi_engine.count_events('reservation_made') }} as reservations_made,
            {{ kpi_engine.count_events('reservation_cancelled') }}
                as reservations_cancelled,
            {{ kpi_engine.count_events('no_show') }} as no_shows,
            {{ kpi_engine.count_events('package_received') }} as packages_received,
            {{ kpi_engine.count_events('package_picked_up') }} as packages_picked_up,
            {{ kpi_engine.count_events('ticket_opened') }} as tickets_opened,
            {{ kpi_engine.count_events('ticket_closed') }} as tickets_closed
        from events
        where
            events.community_id = periods.community_id
            and {{ kpi_engine.in_period('events.occurred_at') }}
    ) as counts on true

    inner join lateral (
        select
            count(*)::integer as units_delinquent,
            coalesce(sum(latest.balance), 0) as total_delinquent_amount
        from units
        inner join lateral (
            {{ kpi_engine.latest_as_of(
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
