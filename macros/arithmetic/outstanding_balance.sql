{# A select, to stand in a lateral join, of what is owed as a row of the relation
   `periods` ends: what in `payment_schedules` is due by `day` and unpaid. #}
{% macro outstanding_balance(day) -%}
    select coalesce(sum(payment_schedules.amount), 0) as outstanding_balance
    from payment_schedules
    where
        payment_schedules.due_on <= {{ day }}
        and {{ outlasts('payment_schedules.paid_at') }}
{%- endmacro %}
