-- Every summary table in the order of a refresh, and what its rows are found by:
-- the natural key, where it has an id too.
select
    models.model,
    (
        select array_agg(attribute.attname::text order by attribute.attnum)
        from pg_index as key
        inner join pg_attribute as attribute
            on attribute.attrelid = key.indrelid
            and attribute.attnum = any(key.indkey)
        where key.indrelid = models.relation::regclass and key.indisunique
        group by key.indexrelid
        order by array_agg(attribute.attname::text) = '{id}'
        limit 1
    ) as key
from orchestrator.models
inner join orchestrator.lineage
    on lineage.model = models.model and lineage.upstream = models.model
order by lineage.depth, models.model
