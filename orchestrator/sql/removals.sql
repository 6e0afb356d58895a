-- Remove what was installed and built.
select kind, kept, array_agg(name order by name) as names
from pg_temp.uninstall(%(drop_tables)s)
group by kept, kind
order by kept, kind
