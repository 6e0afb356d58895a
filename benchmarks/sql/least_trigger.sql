-- The least that a trigger can do to note a change: a row that says nothing of it.
drop table if exists benchmark.noted;
create table benchmark.noted (like orchestrator.refresh_queue including all);

create or replace function benchmark.note() returns trigger
language plpgsql
as $$
begin
    insert into benchmark.noted (model, reason) values ('metrics_daily', 'a change');
    return null;
end
$$;

create or replace trigger benchmark_tell after insert on restaurant.calls
for each statement execute function benchmark.note();
