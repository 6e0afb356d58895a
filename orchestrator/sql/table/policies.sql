-- The policies of a summary table: who may do what, of which rows.
select
    polname,
    array_to_string(
        array(
            select case when role = 0 then 'public' else pg_get_userbyid(role) end
            from unnest(polroles) as role
        ),
        ', '
    ),
    case polcmd
        when 'r' then 'select'
        when 'a' then 'insert'
        when 'w' then 'update'
        when 'd' then 'delete'
        else 'all'
    end,
    coalesce(
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
    )
from pg_policy
where
    polrelid = (
        select to_regclass(relation) from orchestrator.models where model = %(model)s
    )
order by polname
