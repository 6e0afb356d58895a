-- Whether pg_cron could refresh the tables; where it cannot, a worker does. Its
-- settings are looked up where a role that may not see them learns nothing.
with seen as (
    select
        exists (
            select from pg_available_extensions where name = 'pg_cron'
        ) as is_available,
        (select extversion from pg_extension where extname = 'pg_cron')
            as installed,
        (select setting from pg_settings where name = 'cron.database_name') as home,
        pg_has_role('pg_read_all_settings', 'usage') as may_look,
        (
            select has_schema_privilege(oid, 'usage')
            from pg_namespace where nspname = 'cron'
        ) as may_use
)

select
    case when installed is not null and not may_use then 'warning' else 'ok' end
        as verdict,
    case
        when installed is not null and may_use
            then format('pg_cron %s is here', installed)
        when installed is not null
            then format('pg_cron is here, and %s may not use it', current_user)
        when not is_available
            then 'this server has no pg_cron; a worker refreshes instead'
        when home = current_database() then 'pg_cron can be made here'
        when home is not null
            then format('pg_cron is in the database %s, and can call this one', home)
        when may_look
            then 'pg_cron is there, but not loaded; a worker refreshes instead'
        else format(
            'pg_cron is there; %s may not see whether it is loaded', current_user
        )
    end as finding,
    case
        when installed is not null and not may_use
            then format('grant usage on schema cron to %I;', current_user)
        when installed is null and home = current_database()
            then 'To use it: create extension pg_cron'
        when installed is null and is_available and home is null and may_look
            then 'To use it, set shared_preload_libraries and cron.database_name, '
                || 'and restart the server.'
    end as remedy
from seen
