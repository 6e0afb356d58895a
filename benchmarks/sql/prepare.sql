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

-- How many rows of metrics_daily, or of what rivals it, only one of two has.
create or replace function benchmark.differing(one regclass, other regclass)
returns bigint
language plpgsql stable
as $$
declare
    figures constant text := 'select account_id, location_id, date, total_calls, '
        'orders_count, reservations_count, total_revenue_orders::numeric, '
        'total_revenue_res_estimate::numeric, minutes_saved::numeric from ';
    found bigint;
begin
    execute format(
        'with one as materialized (%1$s %2$s), other as materialized (%1$s %3$s)
        select count(*) from (
            (table one except all table other)
            union all
            (table other except all table one)
        ) as differing',
        figures, one, other
    ) into found;
    return found;
end
$$;
