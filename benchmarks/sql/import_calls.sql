-- A call for each account and day, of days before those that the size has.
do $import$
begin
    execute format(
        $query$
        insert into %%s (account_id, location_id, call_type, status, started_at)
        select
            places.account_id, places.id, 'order', 'completed',
            date_trunc('day', first.at) - day * interval '1 day'
        from (
            select distinct on (account_id) account_id, id
            from restaurant.locations
            order by account_id, id
        ) as places
        cross join (select min(started_at) as at from restaurant.calls) as first
        cross join generate_series(2, %%s + 1) as day
        $query$,
        %(table)s::text, %(days)s::integer
    );
end
$import$
