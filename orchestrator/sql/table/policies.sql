-- The policies of a summary table: who may do what, of which rows.
select
    policyname,
    array_to_string(roles, ', '),
    lower(cmd),
    coalesce(qual, with_check)
from pg_policies
where
    format('%%I.%%I', schemaname, tablename)::regclass = (
        select to_regclass(relation) from orchestrator.models where model = %(model)s
    )
order by policyname
