{%- set thresholds = var('dashboard_thresholds') -%}

select *
from (
    values
    (
        'bookings_drop', 'bookings', 'medium',
        'falls by', {{ thresholds.bookings_drop_pct }},
        'Bookings fell by %1$s %% in a week, from %2$s to %3$s.'
    ),
    (
        'revenue_drop', 'revenue', 'high',
        'falls by', {{ thresholds.revenue_drop_pct }},
        'Revenue fell by %1$s %% in a week, from %2$s to %3$s.'
    ),
    (
        'utilization_low', 'utilization_pct', 'medium',
        'is below', {{ thresholds.utilization_low_pct }},
        'Only %3$s %% of the equipment was rented.'
    ),
    (
        'outstanding_balance_high', 'outstanding_balance', 'high',
        'is above', {{ thresholds.outstanding_balance_high }},
        'Customers owed %3$s.'
    )
) as checks (alert, metric, severity, problem, threshold, message)
