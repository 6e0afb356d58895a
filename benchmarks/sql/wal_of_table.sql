-- Bytes of WAL between two positions that are about a table and its indexes.
with files as (
    select pg_relation_filenode(%(table)s::regclass) as file
    union all
    select pg_relation_filenode(indexrelid)
    from pg_index
    where indrelid = %(table)s::regclass
)

select
    coalesce(sum(block_data_length + coalesce(block_fpi_length, 0)), 0)::bigint
from pg_get_wal_block_info('0/0'::pg_lsn + %(start)s, '0/0'::pg_lsn + %(stop)s)
where relfilenode in (select file from files)
