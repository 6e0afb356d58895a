-- Time zones in a source table by which this server can count no days.
select
    'problem' as verdict,
    format(
        '%%s has a %%s that PostgreSQL does not know: %%s', %(relation)s::text,
        %(column)s::text, string_agg(distinct zone, ', ')
    ) as finding,
    'Correct it there: names are such as Europe/Berlin.' as remedy
from (select {column}::text as zone from {relation}) as used
where zone not in (select name from pg_timezone_names)
having count(*) > 0
