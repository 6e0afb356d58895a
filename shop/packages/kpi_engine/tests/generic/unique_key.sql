{# No two rows share the values of `columns`. #}
{% test unique_key(model, columns) -%}
with validation_errors as (
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
)

select * from validation_errors
{%- endtest %}
