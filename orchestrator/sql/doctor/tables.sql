-- What stands where a summary table is to be and is none, such as the materialized
-- view of an older design.
with taken as (
    select
        relation,
        case relkind
            when 'm' then 'materialized view' when 'f' then 'foreign table' else 'view'
        end as kind
    from unnest(%(tables)s::text []) as relation
    inner join pg_namespace on nspname = split_part(relation, '.', 1)
    inner join pg_class
        on
            relnamespace = pg_namespace.oid
            and relname = split_part(relation, '.', 2)
    where relkind in ('m', 'f', 'v')
)

select
    'problem' as verdict,
    format('%%s is a %%s, where the summary table is to be', relation, kind) as finding,
    format(
        'alter %%s %%s rename to %%I;', kind, relation,
        split_part(relation, '.', 2) || '_old'
    ) as remedy
from taken
union all
select
    'ok',
    case
        when to_regnamespace('orchestrator') is not null then 'installed here'
        else 'nothing is installed here yet: orchestrator run'
    end,
    null
where not exists (select from taken)
