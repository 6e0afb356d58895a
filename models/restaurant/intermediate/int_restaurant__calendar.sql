with accounts as (
    select * from {{ ref('stg_restaurant__accounts') }}
),

calls as (
    select * from {{ ref('stg_restaurant__calls') }}
),

orders as (
    select * from {{ ref('stg_restaurant__orders') }}
),

reservations as (
    select * from {{ ref('stg_restaurant__reservations') }}
)

-- The first moment by subselects: an account's whole past is rarely asked for,
-- and then an index answers each.
select
    accounts.account_id,
    accounts.timezone,
    true as is_active,
    least(
        (
            select min(calls.started_at) from calls
            where calls.account_id = accounts.account_id
        ),
        (
            select min(orders.created_at) from orders
            where orders.account_id = accounts.account_id
        ),
        (
            select min(reservations.created_at) from reservations
            where reservations.account_id = accounts.account_id
        )
    ) as started_at
from accounts
