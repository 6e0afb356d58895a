{# An aggregate: how many rows there are of each value of `expression`, as a
   JSON object, {} where there are none. `condition` picks the rows. #}
{% macro count_by(expression, condition='true') -%}
    (
        select coalesce(jsonb_object_agg(kinds.kind, kinds.row_count), '{}')
        from (
            select
                kind,
                count(*) as row_count
            from unnest(
                array_agg({{ expression }}) filter (where {{ condition }})
            ) as kind
            where kind is not null
            group by kind
        ) as kinds
    )
{%- endmacro %}
