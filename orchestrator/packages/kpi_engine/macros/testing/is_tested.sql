{# Whether a summary table's period, an expression, is one that a test is to look
   at: `time` is what tested_time gave. It lets a day's neighbours pass, as which
   instants a day has is its tenant's zone's to say. #}
{% macro is_tested(summary, period, time) -%}
    {%- if time is none -%}
        true
    {%- elif time.time == '{}' -%}
        false
    {%- elif summary.grain == 'all' -%}
        true
    {%- elif summary.grain in ('day', 'week', 'month') -%}
        {%- set step = "interval '1 " ~ summary.grain ~ "'" -%}
        (
            {%- if time.first_day %}
            {{ period }} > date '{{ time.first_day }}' - {{ step }} and
            {%- endif %}
            {%- if time.last_day %}
            {{ period }} <= date '{{ time.last_day }}' and
            {%- endif %}
            {{ kpi_engine.runtime_schema() }}.affected_range(
                {{ period }}, ({{ period }} + {{ step }})::date - 1
            ) && '{{ time.time }}'::tstzmultirange
        )
    {%- else -%}
        tstzrange({{ period }}, {{ period }} + interval '{{ summary.grain }}')
        && '{{ time.time }}'::tstzmultirange
    {%- endif -%}
{%- endmacro %}
