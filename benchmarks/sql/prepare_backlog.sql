-- A table like the calls, with the same indexes and without triggers.
create schema if not exists benchmark;
drop table if exists benchmark.calls;
create table benchmark.calls (like restaurant.calls including all);
