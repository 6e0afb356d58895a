{# The first instant that a clock on the wall of `timezone` shows `local`.
   PostgreSQL reads an ambiguous time as the later of its two instants; where
   summer time ends at midnight that would give the day's first hour away. #}
{% macro local_instant(local, timezone) -%}
    case
        when
            (({{ local }} at time zone {{ timezone }}) - interval '1 hour')
            at time zone {{ timezone }} >= {{ local }}
            then ({{ local }} at time zone {{ timezone }}) - interval '1 hour'
        else {{ local }} at time zone {{ timezone }}
    end
{%- endmacro %}
