-- Ends and rows that meet in every order, and each end compared with a look
-- through all rows.
with ends (tenant, ends_at) as (
    select
        tenants.tenant,
        timestamptz '2026-06-01 00:00+00' + days.number * interval '1 day'
            as ends_at
    from generate_series(1, 3) as tenants (tenant)
    cross join generate_series(0, 9) as days (number)
    where (tenants.tenant + days.number) % 4 > 0
),

things as (
    select
        amounts.amount,
        amounts.amount % 4 as tenant,
        timestamptz '2026-05-31 00:00+00'
        + (amounts.amount % 11) * interval '1 day' as opened_at,
        case
            when amounts.amount % 5 > 0
                then
                    timestamptz '2026-05-30 00:00+00'
                    + (amounts.amount % 13) * interval '1 day'
        end as closed_at,
        amounts.amount % 3 > 0 as is_open
    from generate_series(1, 500) as amounts (amount)
),

{{ kpi_engine.open_at_end(
    'found',
    'things',
    opened='things.opened_at',
    closed='things.closed_at',
    still='things.is_open',
    amount='things.amount',
    by=['tenant'],
    periods='ends'
) }},

looked_at as (
    select
        ends.tenant,
        ends.ends_at,
        coalesce(sum(things.amount), 0) as total
    from ends
    left join things
        on
            ends.tenant = things.tenant
            and ends.ends_at > things.opened_at
            and (
                ends.ends_at <= things.closed_at
                or (things.closed_at is null and things.is_open)
            )
    group by ends.tenant, ends.ends_at
)

select
    looked_at.tenant,
    looked_at.ends_at,
    looked_at.total as expected,
    found.total as actual
from looked_at
full join found
    on looked_at.tenant = found.tenant and looked_at.ends_at = found.at
where looked_at.total is distinct from found.total
