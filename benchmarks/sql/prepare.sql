-- What the benchmark names its accounts by; its own objects live in this schema.
create schema if not exists benchmark;

create or replace function benchmark.account(number integer)
returns uuid language sql immutable as $$
    select ('10000000-0000-4000-8000-' || lpad(to_hex(number), 12, '0'))::uuid
$$;

create or replace function benchmark.location(number integer, place integer)
returns uuid language sql immutable as $$
    select (
        '2000000' || place || '-0000-4000-8000-' || lpad(to_hex(number), 12, '0')
    )::uuid
$$;

create or replace function benchmark.member(number integer)
returns uuid language sql immutable as $$
    select ('30000000-0000-4000-8000-' || lpad(to_hex(number), 12, '0'))::uuid
$$;

-- Which days of whom the last changes have touched.
create table if not exists benchmark.changed_days (account_id uuid, date date);
