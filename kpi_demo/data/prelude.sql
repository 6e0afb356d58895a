-- What the data files share, in pg_temp: it is gone with the session.
--
-- Nothing here is random. Every draw is a hash of what it is for, of the row's
-- own key and of the seed, so that a row comes out the same whatever the plan
-- and in whatever order rows are made. Where a step ends in `offset 0`, its
-- columns are computed once, and not again wherever a later step uses them.

-- Settings for the length of the transaction: nothing may depend on the
-- session's time zone, and no statement is worth compiling.
set local time zone 'UTC';
set local jit = off;
set local work_mem = '128MB';
set local maintenance_work_mem = '256MB';

-- The parameters of generate(). They count as immutable, which holds while one
-- domain is generated: so they are constants in every plan.
create or replace function pg_temp.scale()
returns double precision
language sql immutable
as $$ select current_setting('demo.scale')::double precision $$;

create or replace function pg_temp.seed()
returns bigint
language sql immutable
as $$ select current_setting('demo.seed')::bigint $$;

create or replace function pg_temp.until_at()
returns timestamptz
language sql immutable
as $$ select current_setting('demo.until')::timestamptz $$;

-- Fourteen months, and four at the smallest scales.
create or replace function pg_temp.history_days()
returns integer
language sql immutable
as $$
    select
        greatest(120, round(425 * least(1, power(pg_temp.scale(), 0.3))))
        ::integer
$$;

-- How many tenants, units and the like: as the square root of the scale, and
-- the rows of each grow by the other square root.
create or replace function pg_temp.size(at_scale_one numeric, at_least integer)
returns integer
language sql immutable
as $$
    select
        greatest(at_least, round(at_scale_one * sqrt(pg_temp.scale())))
        ::integer
$$;

-- What to multiply rows a tenant and day with, so that scale times as many
-- rows come of it, however many tenants and days there are.
create or replace function pg_temp.volume(
    tenants_at_scale_one numeric, tenants integer
)
returns double precision
language sql immutable
as $$
    select
        pg_temp.scale() * tenants_at_scale_one * 425.0
        / (tenants * pg_temp.history_days())
$$;

-- A number in [0, 1): the 53 bits that a double precision holds, of a hash.
create or replace function pg_temp.u(purpose text, row_key bigint)
returns double precision
language sql immutable
as $$
    select
        (
            hashint8extended(
                row_key, hashtextextended(purpose, pg_temp.seed())
            ) & 9007199254740991
        ) * 1.1102230246251565e-16::double precision
$$;

-- The same rows have the same ids in every demo, whatever its seed.
create or replace function pg_temp.uuid(entity text, row_key bigint)
returns uuid
language sql immutable
as $$ select md5(entity || row_key::text)::uuid $$;

-- A whole number that is `mean` in the mean, for a uniform draw.
create or replace function pg_temp.whole(
    mean double precision, draw double precision
)
returns integer
language sql immutable
as $$ select floor(mean + draw)::integer $$;

-- Mostly short, now and then very long: waits, gaps and lengths.
create or replace function pg_temp.wait(
    mean double precision, draw double precision
)
returns double precision
language sql immutable
as $$ select -ln(1 - draw) * mean $$;

create or replace function pg_temp.pick(
    options anyarray, draw double precision
)
returns anyelement
language sql immutable
as $$ select options[1 + floor(draw * cardinality(options))::integer] $$;

-- A time of day, from a list in which busy hours stand more often.
create or replace function pg_temp.time_of_day(
    hours integer[], hour_draw double precision, minute_draw double precision
)
returns interval
language sql immutable
as $$
    select (pg_temp.pick(hours, hour_draw) + minute_draw) * '1 hour'::interval
$$;

-- A time zone for the tenant of that number: both hemispheres, half hours,
-- summer time that shifts by half an hour, and none.
create or replace function pg_temp.time_zone(tenant_no integer)
returns text
language sql immutable
as $$
    select
        (array[
            'America/New_York', 'Europe/Madrid', 'Asia/Jerusalem',
            'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Santiago', 'UTC',
            'Europe/London', 'Asia/Tokyo', 'America/Los_Angeles',
            'Pacific/Chatham', 'Africa/Johannesburg', 'America/St_Johns',
            'Asia/Kathmandu'
        ])[1 + (tenant_no - 1) % 14]
$$;

-- How busy a day is, 1 in the mean: it grows over the history, weekends are
-- different (`at_weekends`), and no day is quite like another.
create or replace function pg_temp.busyness(
    local_date date,
    timezone text,
    day_no integer,
    at_weekends double precision,
    draw double precision
)
returns double precision
language sql immutable
as $$
    select
        (0.6 + 0.8 * day_no / pg_temp.history_days())
        * (0.7 + 0.6 * draw)
        * case
            when
                extract(isodow from local_date) in (6, 7)
                and timezone <> 'Asia/Jerusalem'
                then at_weekends
            when
                extract(isodow from local_date) in (5, 6)
                and timezone = 'Asia/Jerusalem'
                then at_weekends
            else (7 - 2 * at_weekends) / 5
        end
$$;

-- For a fast load: drops a schema's foreign keys, primary and unique keys and
-- secondary indexes, lets its identity columns count from 1 again, and returns
-- the statements that put keys and indexes back, to be run from the last to the
-- first. Keys that another schema refers to stay. A rollback undoes all of it.
create or replace function pg_temp.set_aside(schema_name text)
returns setof text
language plpgsql
as $$
declare
    step record;
begin
    for step in
        select
            format(
                'alter table %s drop constraint %I',
                pg_constraint.conrelid::regclass,
                pg_constraint.conname
            ) as take,
            format(
                'alter table %s add constraint %I %s',
                pg_constraint.conrelid::regclass,
                pg_constraint.conname,
                pg_get_constraintdef(pg_constraint.oid)
            ) as put_back
        from pg_constraint
        where
            pg_constraint.connamespace = schema_name::regnamespace
            and pg_constraint.contype in ('f', 'p', 'u')
            and not exists (
                select from pg_constraint as reference
                where
                    reference.confrelid = pg_constraint.conrelid
                    and reference.connamespace <> pg_constraint.connamespace
            )
        order by pg_constraint.contype
    loop
        execute step.take;
        return next step.put_back;
    end loop;

    for step in
        select
            format('drop index %s', pg_index.indexrelid::regclass) as take,
            pg_get_indexdef(pg_index.indexrelid) as put_back
        from pg_index
        inner join pg_class on pg_index.indexrelid = pg_class.oid
        where
            pg_class.relnamespace = schema_name::regnamespace
            and not pg_index.indisunique
    loop
        execute step.take;
        return next step.put_back;
    end loop;

    for step in
        select
            format(
                'alter table %s alter column %I restart',
                pg_attribute.attrelid::regclass,
                pg_attribute.attname
            ) as take
        from pg_attribute
        inner join pg_class on pg_attribute.attrelid = pg_class.oid
        where
            pg_class.relnamespace = schema_name::regnamespace
            and pg_attribute.attidentity <> ''
    loop
        execute step.take;
    end loop;
end
$$;
