-- The worker waits in a transaction while dbt works, as long as that takes; a host that
-- goes is noticed within two minutes, and its transaction ended.
select set_config(name, setting, false)
from (
    values
    ('idle_in_transaction_session_timeout', '0'),
    ('transaction_timeout', '0'),
    ('idle_session_timeout', '0'),
    ('tcp_keepalives_idle', '60'),
    ('tcp_keepalives_interval', '10'),
    ('tcp_keepalives_count', '6'),
    ('tcp_user_timeout', '120000'),
    ('client_connection_check_interval', '10000')
) as wanted (name, setting)
where
    name in (select pg_settings.name from pg_settings)
    -- Windows has no such check.
    and (name <> 'client_connection_check_interval' or version() !~ 'Visual C|mingw')
