-- A table like the calls, with the same indexes and foreign keys and without triggers.
create schema if not exists benchmark;
drop table if exists benchmark.calls;
create table benchmark.calls (like restaurant.calls including all);
alter table benchmark.calls
add foreign key (account_id) references restaurant.accounts (id),
add foreign key (location_id) references restaurant.locations (id);
