-- Whether a sync engine can follow the tables that are to be replicated.
select
    'problem' as verdict,
    format('tables are to be replicated, and wal_level is %%s', setting) as finding,
    'alter system set wal_level = logical; then restart the server.' as remedy
from pg_settings
where name = 'wal_level' and setting <> 'logical'
union all
select
    'problem',
    format('the publication %%s is not one of %%s', pubname, current_user),
    format('alter publication %%I owner to %%I;', pubname, current_user)
from pg_publication
where pubname = %(publication)s::text and not pg_has_role(pubowner, 'usage')
union all
select
    'warning',
    format(
        'nobody reads the replication slot %%s, which keeps %%s of WAL', slot_name,
        pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))
    ),
    format('select pg_drop_replication_slot(%%L);', slot_name)
from pg_replication_slots
where not active and slot_type = 'logical'
union all
select 'ok', format('the publication %%s can be followed', %(publication)s::text), null
where current_setting('wal_level') = 'logical'
