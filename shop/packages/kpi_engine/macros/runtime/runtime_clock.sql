{# When a model is due: the one rule, which every executor asks. #}
{% macro runtime_clock() %}
-- Whether PostgreSQL knows a time zone.
create or replace function orchestrator.is_time_zone(p_name text)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return now() at time zone p_name is not null;
exception when invalid_parameter_value then
    return false;
end
$$;

-- What is wrong with a cadence, in words; null where nothing is.
create or replace function orchestrator.cadence_error(p_cadence jsonb)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    every constant text := p_cadence ->> 'every';
    at constant text := p_cadence ->> 'at';
    clock constant text := '([01]\d|2[0-3]):[0-5]\d';
    wanted text;
begin
    if jsonb_typeof(p_cadence) is distinct from 'object' or every is null then
        return 'needs `every`, such as {every: day, at: "01:00"}';
    end if;
    if every !~ '^((\d+ )?(minute|hour)s?|day|week|month)$'
        or every ~ '^0+ ' then
        return format(
            'has every: %s; write a number of minutes or hours, or day, '
            'week or month', every
        );
    end if;
    if coalesce(p_cadence ->> 'otherwise', 'hour')
        !~ '^(\d+ )?(minute|hour)s?$' then
        return format(
            'has otherwise: %s; write a number of minutes or hours',
            p_cadence ->> 'otherwise'
        );
    end if;
    wanted := case every
        when 'day' then format('^%s$', clock)
        when 'week' then format(
            '^(mon|tues|wednes|thurs|fri|satur|sun)day %s$', clock
        )
        when 'month' then format('^([1-9]|1\d|2[0-8]) %s$', clock)
    end;
    if at !~ coalesce(wanted, '^$') then
        return format(
            'has at: %s with every: %s; write "01:00" for a day, '
            '"monday 02:00" for a week, "1 03:00" (day 1 to 28) for a '
            'month, and none for minutes and hours', at, every
        );
    end if;
    if p_cadence ? 'between' and (
        jsonb_typeof(p_cadence -> 'between') <> 'array'
        or not (p_cadence ? 'otherwise')
        or coalesce(p_cadence -> 'between' ->> 0, '') !~ format('^%s$', clock)
        or coalesce(p_cadence -> 'between' ->> 1, '') !~ format('^%s$', clock)
    ) then
        return 'needs `between` as ["06:00", "22:00"] and `otherwise`';
    end if;
    if p_cadence ? 'otherwise_job' and not (p_cadence ? 'between') then
        return 'has otherwise_job, and no `between` that it lies outside of';
    end if;
    begin
        perform now() at time zone coalesce(p_cadence ->> 'timezone', 'UTC');
    exception when invalid_parameter_value then
        return format(
            'has timezone: %s, which is no IANA time zone',
            p_cadence ->> 'timezone'
        );
    end;
    return (
        select format(
            'has %s, which means nothing here; it takes every, at, timezone, '
            'between, otherwise, job and otherwise_job', string_agg(key, ', ')
        )
        from jsonb_object_keys(p_cadence) as key
        where key not in (
            'every', 'at', 'timezone', 'between', 'otherwise', 'job',
            'otherwise_job'
        )
        having count(*) > 0
    );
end
$$;

-- The last moment, at or before p_at, at which a cadence was due: local time
-- less the offset, truncated to the period, plus the offset.
create or replace function orchestrator.last_due(
    p_cadence jsonb, p_at timestamptz
)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    zone constant text := coalesce(p_cadence ->> 'timezone', 'UTC');
    local constant timestamp := p_at at time zone zone;
    at constant text := p_cadence ->> 'at';
    every text := p_cadence ->> 'every';
    shift interval := '0';
    due timestamptz;
begin
    if p_cadence ? 'between' and (
        local::time < (p_cadence -> 'between' ->> 0)::time
        or local::time > (p_cadence -> 'between' ->> 1)::time
    ) then
        every := p_cadence ->> 'otherwise';
    end if;

    if every not in ('day', 'week', 'month') then
        -- By elapsed time, so that an hour that occurs twice is two hours.
        every := regexp_replace(every, '^(minute|hour)', '1 \1');
        return p_at - (
            local - date_bin(every::interval, local, timestamp '2000-01-01')
        );
    end if;

    shift := coalesce(substring(at from '\d\d:\d\d$')::interval, '0');
    if every = 'week' and at is not null then
        shift := shift + interval '1 day' * (array_position(
            array[
                'monday', 'tuesday', 'wednesday', 'thursday', 'friday',
                'saturday', 'sunday'
            ],
            split_part(at, ' ', 1)
        ) - 1);
    elsif every = 'month' and at is not null then
        shift := shift
            + interval '1 day' * (split_part(at, ' ', 1)::integer - 1);
    end if;
    due := (date_trunc(every, local - shift) + shift) at time zone zone;
    if due > p_at then
        -- A time that summer time skips or repeats lies later than it reads.
        due := (
            date_trunc(every, local - shift - ('1 ' || every)::interval) + shift
        ) at time zone zone;
    end if;
    return due;
end
$$;

-- The first moment after p_at at which a cadence is due.
create or replace function orchestrator.next_due(
    p_cadence jsonb, p_at timestamptz
)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    every constant text := p_cadence ->> 'every';
    last constant timestamptz := orchestrator.last_due(p_cadence, p_at);
    candidate timestamptz := p_at;
begin
    if every in ('day', 'week', 'month') then
        -- Three hours cover any change of the clock.
        candidate := orchestrator.last_due(
            p_cadence, last + ('1 ' || every)::interval + interval '3 hours'
        );
        return candidate;
    end if;
    candidate := date_trunc('minute', p_at);
    loop
        candidate := candidate + interval '1 minute';
        exit when orchestrator.last_due(p_cadence, candidate) > last;
    end loop;
    return orchestrator.last_due(p_cadence, candidate);
end
$$;
{% endmacro %}
