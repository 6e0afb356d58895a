-- The columns of a summary table.
select
    attname,
    format_type(atttypid, atttypmod),
    col_description(attrelid, attnum)
from pg_attribute
where
    attrelid = (
        select to_regclass(relation) from orchestrator.models where model = %(model)s
    )
    and attnum > 0
    and not attisdropped
order by attnum
