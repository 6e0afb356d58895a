with before as materialized (
    select coalesce(current_setting('orchestrator.now', true), '') as setting
),

set_empty as materialized (
    select set_config('orchestrator.now', '', true) as setting from before
),

unset as materialized (
    select {{ kpi_engine.present() }} as actual from set_empty
),

set_to_leap_day as materialized (
    select set_config('orchestrator.now', '2024-02-29', true) as setting
    from unset
),

rehearsed as materialized (
    select {{ kpi_engine.present() }} as actual from set_to_leap_day
),

restored as materialized (
    select set_config('orchestrator.now', before.setting, true) as setting
    from before
    cross join rehearsed
)

select
    unset.actual as actual_unset,
    rehearsed.actual as actual_rehearsed
from unset
cross join rehearsed
cross join restored
where
    unset.actual <> now()
    or rehearsed.actual <> timestamptz '2024-02-29'
