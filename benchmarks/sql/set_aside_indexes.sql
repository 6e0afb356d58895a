-- While millions of rows are loaded; create_sources() makes them again.
drop index
    restaurant.calls_account_id_started_at_idx,
    restaurant.calls_location_id_started_at_idx,
    restaurant.orders_account_id_created_at_idx,
    restaurant.orders_location_id_created_at_idx,
    restaurant.reservations_account_id_created_at_idx,
    restaurant.reservations_location_id_created_at_idx;
-- The rows refer to what is there by construction.
set local session_replication_role = replica;
