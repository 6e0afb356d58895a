{# The next instant at which time alone gives a summary table something to compute
   (a period ends or begins, a tenant starts), as an expression; null where that
   may be any. #}
{% macro next_turn(summary, calendar) -%}
    {%- set grains = [summary.grain, summary.turns] | select | unique
        | reject('eq', 'all') | list -%}
    {%- set turning = ['day', 'week', 'month'] -%}
    {%- if summary.present == 'live' or grains | reject('in', turning) | list -%}
        null::timestamptz
    {%- else -%}
        (
            select least(
                {%- for grain in grains %}
                min({{ local_instant(
                    "(date_trunc('" ~ grain ~ "', " ~ present()
                    ~ " at time zone calendar.timezone) + interval '1 "
                    ~ grain ~ "')",
                    'calendar.timezone'
                ) }}),
                {%- endfor %}
                {%- if summary.grain == 'all' and summary.tenant %}
                min(calendar.started_at) filter (
                    where calendar.started_at > {{ present() }}
                ),
                {%- endif %}
                'infinity'
            )
            from {{ calendar }} as calendar
        )
    {%- endif -%}
{%- endmacro %}
