{# Whether the instant `at` lies in a row of the relation `periods`. One without a time
   zone is of `stored_in`: the bounds are converted, so that its index serves. #}
{% macro in_period(at, stored_in=none) -%}
    {%- set zone = " at time zone '" ~ stored_in ~ "'" if stored_in else '' -%}
    {{ at }} >= periods.starts_at{{ zone }} and {{ at }} < periods.ends_at{{ zone }}
{%- endmacro %}
