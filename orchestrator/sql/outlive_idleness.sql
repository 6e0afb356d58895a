-- A worker waits in a transaction while dbt works, as long as that takes.
select set_config(name, '0', false)
from pg_settings
where
    name in (
        'idle_in_transaction_session_timeout', 'transaction_timeout',
        'idle_session_timeout'
    )
