-- A request names an entity, whichever of its breaches it is about.
with periods as (
    select distinct entity_id
    from {{ kpi_engine.periods(ref('int_rental__breaches')) }} as periods
),

breaches as (
    select * from {{ ref('int_rental__breaches') }}
),

final as (
    select
        present.alert_type,
        periods.entity_id,
        present.started_at as detected_at,
        present.severity,
        present.payload,
        now() as computed_at
    from periods

    inner join lateral (
        select breaches.*
        from breaches
        where
            breaches.entity_id = periods.entity_id
            and breaches.started_at <= {{ kpi_engine.present() }}
    ) as present on true
)

select * from final
