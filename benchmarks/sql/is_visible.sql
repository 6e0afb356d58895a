-- Whether the row has been written since.
select exists (
    select from analytics.metrics_daily
    where account_id = %(account)s
        and location_id = %(location)s
        and date = %(date)s
        and computed_at > %(before)s
)
