select
[%- if tenants %]
    periods.[[ tenants.column ]],
[%- endif %]
    periods.metric_date,
    figures.[[ rows_column ]],
[%- for amount in amounts %]
    figures.[[ amount.alias ]],
[%- endfor %]
    now() as computed_at
from {{ kpi_engine.periods(ref('[[ domain ]]_calendar')) }} as periods
inner join lateral (
[%- if amounts %]
    select
        count(*)::integer as [[ rows_column ]],
[%- else %]
    select count(*)::integer as [[ rows_column ]]
[%- endif %]
[%- for amount in amounts %]
        coalesce(sum([[ table.alias ]].[[ amount.alias ]][[ amount.exact ]]), 0)::[[ amount_types[amount.name] ]] as [[ amount.alias ]][[ ',' if not loop.last ]]
[%- endfor %]
    from {{ ref('stg_[[ domain ]]__[[ table.alias ]]') }} as [[ table.alias ]]
    where
[%- if tenants %]
        [[ table.alias ]].[[ tenants.column ]] = periods.[[ tenants.column ]]
        and
[%- endif %]
[%- if time.type == 'date' %] [[ table.alias ]].[[ time.alias ]] = periods.metric_date
[%- elif time.type == 'timestamp without time zone' %] {{ kpi_engine.in_period('[[ table.alias ]].[[ time.alias ]]', stored_in='UTC') }}
[%- else %] {{ kpi_engine.in_period('[[ table.alias ]].[[ time.alias ]]') }}
[%- endif %]
) as figures on true
