{# The column holds names of time zones that this PostgreSQL knows. #}
{% test known_time_zone(model, column_name) -%}
with time_zones as (
    select lower(name) as name from pg_timezone_names
),

named as (
    select distinct {{ column_name }} as time_zone from {{ model }}
),

validation_errors as (
    select named.time_zone
    from named
    left join time_zones on lower(named.time_zone) = time_zones.name
    where named.time_zone is not null and time_zones.name is null
)

select * from validation_errors
{%- endtest %}
