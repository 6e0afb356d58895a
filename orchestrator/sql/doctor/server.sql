-- The version (as the engine's check_target.sql wants it), and whether anything
-- can be written: a replica, or a server whose disk is full, takes nothing.
select
    case
        when current_setting('server_version_num')::integer >= 150000 then 'ok'
        else 'problem'
    end as verdict,
    format('PostgreSQL %s', split_part(current_setting('server_version'), ' ', 1))
        as finding,
    case
        when current_setting('server_version_num')::integer < 150000
            then 'Upgrade the server to 15 or newer, or point the profile at another.'
    end as remedy
union all
select
    'problem',
    'it is a replica, which nothing can be written to',
    'Point the profile at the primary server.'
where pg_is_in_recovery()
union all
select
    'problem',
    'it is read-only',
    'Look whether its disk is full, then: set default_transaction_read_only = off.'
where
    not pg_is_in_recovery()
    and current_setting('transaction_read_only')::boolean
