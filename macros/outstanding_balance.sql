{# The common table expressions, of which the last is `owed`, of what in
   `payment_schedules` is due by the day that each of `periods` ends with and
   unpaid then: `total` for each end, as `at`. Due dates are of `timezone`. #}
{% macro outstanding_balance(timezone) -%}
    {{ kpi_engine.open_at_end(
        'owed',
        'payment_schedules',
        opened=kpi_engine.local_instant(
            'payment_schedules.due_on::timestamp', timezone
        ),
        closed='payment_schedules.paid_at',
        amount='payment_schedules.amount'
    ) }}
{%- endmacro %}
