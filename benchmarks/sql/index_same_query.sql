create unique index on benchmark.same_query (account_id, location_id, date);
analyze benchmark.same_query;
