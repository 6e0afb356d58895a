-- What clients may call and read in the published schema, each as the query that
-- tries it; policies are tried with the tables.
select format(
    'select * from %s(%s)',
    pg_proc.oid::regproc,
    array_to_string(array_fill('null'::text, array[pg_proc.pronargs]), ', ')
) as attempt, pg_proc.oid::regprocedure::text as name
from pg_proc
where
    pg_proc.pronamespace = 'analytics'::regnamespace
    and pg_proc.prokind = 'f'
    and has_function_privilege('authenticated', pg_proc.oid, 'execute')
union all
select
    format('select * from %s', pg_class.oid::regclass),
    pg_class.oid::regclass::text
from pg_class
where
    pg_class.relnamespace = 'analytics'::regnamespace
    and pg_class.relkind in ('r', 'p', 'v', 'm')
    and has_table_privilege('authenticated', pg_class.oid, 'select')
order by 2
