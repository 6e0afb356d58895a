{# Three common table expressions, of which the last is `name`: what of `relation`
   is open as each of `periods` ends, a row for each end that something may be open
   at: the columns `by`, the end as `at`, and `total`, the sum of `amount`.
   A row is open from the instant `opened` until just before `closed`; without
   `closed` it is open for good where it is `still` so, and else at no time.
   Openings, closings and ends are put in order once and added up: to look for
   each end through all rows would take as long as ends times rows. #}
{% macro open_at_end(
    name, relation, opened, closed, still='true', amount='1', by=[],
    periods='periods', ends_at='ends_at'
) -%}
{{ name }}_changes as (
    select distinct
        {%- for column in by %}
        {{ periods }}.{{ column }},
        {%- endfor %}
        {{ periods }}.{{ ends_at }} as at,
        true as is_end,
        0 as amount
    from {{ periods }}
    union all
    select
        {%- for column in by %}
        {{ relation }}.{{ column }},
        {%- endfor %}
        changes.at,
        false as is_end,
        changes.amount
    from {{ relation }}
    cross join lateral (
        values
        ({{ opened }}, {{ amount }}),
        (
            case when {{ closed }} is not null
                then greatest({{ closed }}, {{ opened }})
            end,
            -{{ amount }}
        )
    ) as changes (at, amount)
    where
        changes.at is not null
        and {{ opened }}
        < (select max({{ periods }}.{{ ends_at }}) from {{ periods }})
        and (
            {{ closed }}
            >= (select min({{ periods }}.{{ ends_at }}) from {{ periods }})
            or ({{ closed }} is null and {{ still }})
        )
        {%- if by %}
        and (
            {%- for column in by -%}
            {{ relation }}.{{ column }}{{ ", " if not loop.last }}
            {%- endfor -%}
        ) in (
            select
                {%- for column in by %}
                {{ periods }}.{{ column }}{{ "," if not loop.last }}
                {%- endfor %}
            from {{ periods }}
        )
        {%- endif %}
),

{{ name }}_totals as (
    select
        *,
        sum(amount) over (
            {% if by -%}
            partition by {{ by | join(', ') }}
            {% endif -%}
            order by at, is_end desc
            rows unbounded preceding
        ) as total
    from {{ name }}_changes
),

{{ name }} as (
    select * from {{ name }}_totals where is_end
)
{%- endmacro %}
