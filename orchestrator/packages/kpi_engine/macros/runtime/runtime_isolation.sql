{# A row that a table cannot hold stops its own tenant, or its period in a table
   without tenants, and nobody else: poison is found by halves and set aside. #}
{% macro runtime_isolation() %}
-- Whether it is too early to try again. Who asks by name does not wait.
create or replace function orchestrator.is_held(p_quarantine orchestrator.quarantine)
returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select
        p_quarantine.retry_at > clock_timestamp()
        and current_setting('orchestrator.eager', true) is distinct from 'true'
$$;

-- Whether an error may be of some rows alone: of their values, or of a lock that
-- another session has on what they refer to.
create or replace function orchestrator.may_be_of_rows(p_sqlstate text)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select
        left(p_sqlstate, 2) in ('22', '23', '54', 'P0')
        or p_sqlstate in ('40001', '40P01', '55P03')
$$;

-- Claim and compute what requests ask. The application never waits for long: a refresh
-- that meets its locks gives way, and is tried again.
create or replace function orchestrator.claim_and_compute(
    p_model text,
    p_requests orchestrator.claimed_request [],
    p_lock_timeout text default '50ms'
)
returns orchestrator.refresh_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    lock_timeout constant text := current_setting('lock_timeout');
    result orchestrator.refresh_result;
begin
    perform set_config('lock_timeout', p_lock_timeout, true);
    -- Planning again for each few requests would cost more than they do.
    perform set_config(
        'plan_cache_mode',
        case when cardinality(p_requests) <= 10 then 'force_generic_plan' else 'auto' end,
        true
    );
    execute format('select orchestrator.%I($1)', 'claim_' || p_model)
    into result.periods using p_requests;
    perform set_config('plan_cache_mode', 'auto', true);
    execute format('select orchestrator.%I()', 'compute_' || p_model)
    into result.changed;
    perform set_config('lock_timeout', lock_timeout, true);
    return result;
end
$$;

-- Compute what requests ask, tenant by tenant or period by period as far as need be,
-- after p_failure (null: some are known to fail). Fails where all fail.
create or replace function orchestrator.compute_in_parts(
    p_known orchestrator.models,
    p_requests orchestrator.claimed_request [],
    p_failure text,
    p_sqlstate text
)
returns orchestrator.refresh_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    result orchestrator.refresh_result :=
        case
            when p_known.tenant is null
                then orchestrator.compute_each_period(p_known, p_requests)
            else orchestrator.compute_each_tenant(p_known, p_requests)
        end;
begin
    -- What fails for all is no tenant's failure but the table's.
    if not result.has_succeeded and result.held > 1 then
        raise exception using
            message = coalesce(p_failure, result.message),
            errcode = coalesce(p_sqlstate, 'data_exception');
    end if;
    result.has_failed := not result.has_succeeded and result.held > 0;
    return result;
end
$$;

-- What two parts of a refresh have done.
create or replace function orchestrator.add_result(
    p_result orchestrator.refresh_result, p_part orchestrator.refresh_result
)
returns orchestrator.refresh_result
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select
        p_result.periods + p_part.periods,
        p_result.changed || p_part.changed,
        true,
        p_result.held,
        p_result.has_failed,
        p_result.message
$$;

-- Compute the requests of some tenants, by halves where that fails, until those are
-- found that cause it.
create or replace function orchestrator.compute_tenants(
    p_known orchestrator.models,
    p_requests orchestrator.claimed_request [],
    p_tenants text [],
    p_result orchestrator.refresh_result,
    p_is_second boolean default false
)
returns orchestrator.refresh_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    half constant integer := cardinality(p_tenants) / 2;
    part orchestrator.refresh_result;
    failure text;
    code text;
begin
    if cardinality(p_tenants) = 0 then
        return p_result;
    end if;
    begin
        part := orchestrator.claim_and_compute(
            p_known.model,
            array(
                select requests
                from unnest(p_requests) as requests
                where requests.tenant = any(p_tenants)
            )
        );
        perform orchestrator.release(p_known.model, tenant)
        from unnest(p_tenants) as tenant;
        return orchestrator.add_result(p_result, part);
    exception when others then
        get stacked diagnostics failure = message_text, code = returned_sqlstate;
        if not orchestrator.may_be_of_rows(code) then
            raise;
        end if;
    end;
    if half = 0 and code = '23503' and not p_is_second then
        -- What the rows refer to has just been deleted, and so have they.
        return orchestrator.compute_tenants(
            p_known, p_requests, p_tenants, p_result, true
        );
    elsif half = 0 then
        perform orchestrator.put_back(p_known.model, p_requests, p_tenants[1]);
        return orchestrator.hold(
            p_known, p_tenants[1], null, failure, code, p_result
        );
    end if;
    p_result := orchestrator.compute_tenants(
        p_known, p_requests, p_tenants[:half], p_result
    );
    return orchestrator.compute_tenants(
        p_known, p_requests, p_tenants[half + 1:], p_result
    );
end
$$;

-- The same for the periods of a table without tenants.
create or replace function orchestrator.compute_periods(
    p_known orchestrator.models,
    p_requests orchestrator.claimed_request [],
    p_periods tstzrange [],
    p_result orchestrator.refresh_result
)
returns orchestrator.refresh_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    lock_timeout constant text := current_setting('lock_timeout');
    half constant integer := cardinality(p_periods) / 2;
    part orchestrator.refresh_result;
    failure text;
    code text;
begin
    if cardinality(p_periods) = 0 then
        return p_result;
    end if;
    begin
        execute format('select orchestrator.%I($1)', 'claim_' || p_known.model)
        using p_requests;
        execute format(
            'delete from orchestrator.%I
            where (tstzrange(starts_at, ends_at) = any($1)) is not true',
            'periods_' || p_known.model
        ) using p_periods;
        perform set_config('lock_timeout', '50ms', true);
        execute format('select orchestrator.%I()', 'compute_' || p_known.model)
        into part.changed;
        perform set_config('lock_timeout', lock_timeout, true);
        part.periods := cardinality(p_periods);
        perform orchestrator.release(p_known.model, null, lower(period))
        from unnest(p_periods) as period;
        return orchestrator.add_result(p_result, part);
    exception when others then
        get stacked diagnostics failure = message_text, code = returned_sqlstate;
        if not orchestrator.may_be_of_rows(code) then
            raise;
        end if;
    end;
    if half = 0 then
        perform orchestrator.put_back(p_known.model, p_requests, p_periods[1]);
        return orchestrator.hold(
            p_known, null, lower(p_periods[1]), failure, code, p_result
        );
    end if;
    p_result := orchestrator.compute_periods(
        p_known, p_requests, p_periods[:half], p_result
    );
    return orchestrator.compute_periods(
        p_known, p_requests, p_periods[half + 1:], p_result
    );
end
$$;

-- Compute what requests ask, tenant by tenant as far as need be: those that have
-- failed before each by itself.
create or replace function orchestrator.compute_each_tenant(
    p_known orchestrator.models, p_requests orchestrator.claimed_request []
)
returns orchestrator.refresh_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    known_to_fail constant text [] := array(
        select held.tenant
        from orchestrator.quarantine as held
        where held.model = p_known.model
    );
    requests orchestrator.claimed_request [];
    failing text;
    result orchestrator.refresh_result := (0, '{}', false, 0, false, null);
begin
    -- A request of everybody is one of each tenant, and of each whose rows are left.
    execute format(
        'select array_agg((
            coalesce(requests.tenant, tenants.tenant), requests.period,
            requests.since,
            case when requests.tenant is null then false else requests.is_named end,
            requests.is_whole, requests.is_build, requests.backlog,
            requests.requested_at
        )::orchestrator.claimed_request)
        from unnest($1) as requests
        left join (
            select %1$I::text as tenant from %2$s
            union
            select %1$I::text from %3$s
        ) as tenants on requests.tenant is null
        where coalesce(requests.tenant, tenants.tenant) is not null',
        p_known.tenant, p_known.calendar, p_known.relation
    ) into requests using p_requests;

    result := orchestrator.compute_tenants(p_known, requests, array(
        select distinct asked.tenant
        from unnest(requests) as asked
        where asked.tenant <> all(known_to_fail)
        order by asked.tenant
    ), result);
    foreach failing in array known_to_fail loop
        if exists (
            select from orchestrator.quarantine as held
            where
                held.model = p_known.model
                and held.tenant = failing
                and orchestrator.is_held(held)
        ) then
            perform orchestrator.put_back(p_known.model, requests, failing);
        elsif exists (
            select from unnest(requests) as asked where asked.tenant = failing
        ) then
            result := orchestrator.compute_tenants(
                p_known, requests, array[failing], result
            );
        else
            perform orchestrator.release(p_known.model, failing);
        end if;
    end loop;
    return result;
end
$$;

-- The same, period by period.
create or replace function orchestrator.compute_each_period(
    p_known orchestrator.models, p_requests orchestrator.claimed_request []
)
returns orchestrator.refresh_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    known_to_fail constant timestamptz [] := array(
        select held.starts_at
        from orchestrator.quarantine as held
        where held.model = p_known.model
    );
    periods tstzrange [];
    failing tstzrange;
    result orchestrator.refresh_result := (0, '{}', false, 0, false, null);
begin
    execute format('select orchestrator.%I($1)', 'claim_' || p_known.model)
    using p_requests;
    -- What is only to go is no cause of a failure.
    execute format(
        'with claimed as (
            delete from orchestrator.%I
            where starts_at is not null
            returning tstzrange(starts_at, ends_at) as period
        )

        select coalesce(array_agg(period order by period), ''{}'')
        from claimed',
        'periods_' || p_known.model
    ) into periods;
    execute format('select orchestrator.%I()', 'compute_' || p_known.model)
    into result.changed;

    result := orchestrator.compute_periods(p_known, p_requests, array(
        select period
        from unnest(periods) as period
        where lower(period) <> all(known_to_fail)
        order by period
    ), result);
    foreach failing in array array(
        select period
        from unnest(periods) as period
        where lower(period) = any(known_to_fail)
    ) loop
        if exists (
            select from orchestrator.quarantine as held
            where
                held.model = p_known.model
                and held.starts_at = lower(failing)
                and orchestrator.is_held(held)
        ) then
            perform orchestrator.put_back(p_known.model, p_requests, failing);
        else
            result := orchestrator.compute_periods(
                p_known, p_requests, array[failing], result
            );
        end if;
    end loop;
    return result;
end
$$;

-- Put the requests of a tenant back into the queue.
create or replace function orchestrator.put_back(
    p_model text, p_requests orchestrator.claimed_request [], p_tenant text
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into orchestrator.refresh_queue (
        model, tenant, period, reason, is_named, requested_at
    )
    select
        p_model, p_tenant, asked.period, 'retry', asked.is_named is not false,
        coalesce(asked.requested_at, clock_timestamp())
    from unnest(p_requests) as asked
    where asked.tenant = p_tenant
$$;

-- Put a period of a table without tenants back into the queue.
create or replace function orchestrator.put_back(
    p_model text, p_requests orchestrator.claimed_request [], p_period tstzrange
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into orchestrator.refresh_queue (
        model, period, reason, is_named, requested_at
    )
    select
        p_model, p_period, 'retry', false,
        coalesce(min(asked.requested_at), clock_timestamp())
    from unnest(p_requests) as asked
$$;

-- Set a tenant, or a period, aside that cannot be computed, with an incident that says
-- why. A lock that was in the way is no incident at first.
create or replace function orchestrator.hold(
    p_known orchestrator.models,
    p_tenant text,
    p_starts_at timestamptz,
    p_failure text,
    p_sqlstate text,
    p_result orchestrator.refresh_result
)
returns orchestrator.refresh_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    failure constant text := orchestrator.plain_error(p_failure);
    subject constant text := coalesce(
        'tenant ' || p_tenant,
        'the period from '
        || to_char(p_starts_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
    );
    tried integer;
begin
    insert into orchestrator.quarantine as held (
        model, tenant, starts_at, reason, retry_at
    )
    values (
        p_known.model, p_tenant, p_starts_at, failure,
        clock_timestamp() + interval '5 seconds'
    )
    on conflict (model, tenant, starts_at) do update set
        reason = excluded.reason,
        attempts = held.attempts + 1,
        retry_at = clock_timestamp() + least(
            interval '5 seconds' * power(2, least(held.attempts, 10)),
            interval '5 minutes'
        )
    returning attempts into tried;
    p_result.held := p_result.held + 1;
    -- More than these are no exception.
    if p_result.held > 50 then
        raise exception using message = p_failure, errcode = 'internal_error';
    end if;
    if left(p_sqlstate, 2) not in ('40', '55') or tried > 3 then
        perform orchestrator.open_incident(
            p_known.model,
            'quarantine',
            format(
                '%s keeps the old rows of %s: %s', p_known.model, subject, failure
            ),
            coalesce(p_tenant::text, p_starts_at::text)
        );
    end if;
    p_result.message := concat_ws(
        ' ', p_result.message,
        format('%s keeps its old rows: %s.', subject, rtrim(failure, '.'))
    );
    return p_result;
end
$$;

-- A tenant, or a period, that failed has been computed.
create or replace function orchestrator.release(
    p_model text, p_tenant text, p_starts_at timestamptz default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from orchestrator.quarantine
    where
        model = p_model
        and tenant is not distinct from p_tenant
        and starts_at is not distinct from p_starts_at;
    if found then
        perform orchestrator.close_incident(
            p_model,
            'quarantine',
            format(
                '%s has the rows of %s again.', p_model,
                coalesce('tenant ' || p_tenant, p_starts_at::text)
            ),
            coalesce(p_tenant::text, p_starts_at::text)
        );
    end if;
end
$$;
{% endmacro %}
