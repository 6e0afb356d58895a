-- The log keeps events that its source forgets: the view needs to know of them.
create table if not exists public.remembered as table plant.downtime_events
