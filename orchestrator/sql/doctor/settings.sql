-- Settings of this login that end a first build, or leave tables without statistics:
-- as a session gets them, for this one has changed some.
with timeouts as (
    select
        name,
        reset_val::integer * interval '1 ms' as limited_to,
        case name
            when 'statement_timeout' then 'ends each statement of a long first build'
            else 'ends each slice of a long first build'
        end as harm
    from pg_settings
    where
        name in ('statement_timeout', 'transaction_timeout')
        and reset_val::integer between 1 and 600000 - 1
)

select
    'warning' as verdict,
    format(
        '%s is %s, which %s', name, extract(epoch from limited_to)::integer || ' s',
        harm
    ) as finding,
    format('alter role %I set %s = 0;', current_user, name) as remedy
from timeouts
union all
select
    'warning',
    'autovacuum is off, so that no table has statistics to plan by',
    'alter system set autovacuum = on; select pg_reload_conf();'
where not current_setting('autovacuum')::boolean
union all
select 'ok', 'no timeout of less than 10 minutes, autovacuum is on', null
where
    not exists (select from timeouts)
    and current_setting('autovacuum')::boolean
