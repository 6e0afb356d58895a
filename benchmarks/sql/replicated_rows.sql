-- Inserts, updates and deletes that the slot would have sent.
select count(*)
from pg_logical_slot_get_binary_changes(
    'benchmark', null, null, 'proto_version', '1', 'publication_names', 'benchmark'
)
where chr(get_byte(data, 0)) in ('I', 'U', 'D')
