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

-- Claim and compute what pg_temp.requests ask. The application never waits for
-- long: a refresh that meets its locks gives way, and is tried again.
create or replace function orchestrator.claim_and_compute(p_model text)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    number bigint;
begin
    perform set_config('lock_timeout', '50ms', true);
    execute format('select orchestrator.%I()', 'claim_' || p_model);
    select count(*) into number
    from pg_temp.claimed_periods
    where starts_at is not null;
    execute format('select orchestrator.%I()', 'compute_' || p_model);
    return number;
end
$$;

-- Compute what pg_temp.requests ask of a summary table: all at once, or, where
-- that fails or some are known to fail, in parts.
create or replace function orchestrator.compute_requested(
    p_known orchestrator.models
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    waits constant text := current_setting('lock_timeout');
    number bigint;
    failure text;
    code text;
begin
    if not exists (
        select from orchestrator.quarantine where model = p_known.model
    ) then
        begin
            number := orchestrator.claim_and_compute(p_known.model);
            perform set_config('orchestrator.periods', number::text, true);
            perform set_config('lock_timeout', waits, true);
            return;
        exception when others then
            get stacked diagnostics
                failure = message_text, code = returned_sqlstate;
            if not orchestrator.may_be_of_rows(code) then
                raise;
            end if;
        end;
    end if;

    perform set_config('orchestrator.has_succeeded', '', true);
    perform set_config('orchestrator.held', '0', true);
    number := case
        when p_known.tenant is null then orchestrator.isolate_periods(p_known)
        else orchestrator.isolate_tenants(p_known)
    end;
    -- What fails for all is no tenant's failure but the table's.
    if current_setting('orchestrator.has_succeeded') <> 'yes'
        and current_setting('orchestrator.held')::integer > 0
    then
        if current_setting('orchestrator.held')::integer > 1 then
            raise exception using
                message = coalesce(
                    failure, current_setting('orchestrator.isolated')
                ),
                errcode = coalesce(code, 'data_exception');
        end if;
        perform set_config('orchestrator.has_failed', 'yes', true);
    end if;
    perform set_config('orchestrator.periods', number::text, true);
    perform set_config('lock_timeout', waits, true);
end
$$;

-- Compute the requests of some tenants, by halves where that fails, until those are
-- found that cause it. Returns how many periods were computed.
create or replace function orchestrator.compute_tenants(
    p_known orchestrator.models, p_tenants text [], p_is_second boolean default false
)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    half constant integer := cardinality(p_tenants) / 2;
    number bigint;
    failure text;
    code text;
begin
    if cardinality(p_tenants) = 0 then
        return 0;
    end if;
    begin
        if to_regclass('pg_temp.claimed_periods') is not null then
            drop table pg_temp.claimed_periods;
        end if;
        delete from pg_temp.requests;
        insert into pg_temp.requests (
            tenant, period, since, is_named, is_whole, is_build, backlog,
            requested_at
        )
        select
            tenant, period, since, is_named, is_whole, is_build, backlog,
            requested_at
        from pg_temp.all_requests
        where tenant = any(p_tenants);
        number := orchestrator.claim_and_compute(p_known.model);
        perform orchestrator.release(p_known.model, tenant)
        from unnest(p_tenants) as tenant;
        perform set_config('orchestrator.has_succeeded', 'yes', true);
        return number;
    exception when others then
        get stacked diagnostics failure = message_text, code = returned_sqlstate;
        if not orchestrator.may_be_of_rows(code) then
            raise;
        end if;
    end;
    if half = 0 and code = '23503' and not p_is_second then
        -- What the rows refer to has just been deleted, and so have they.
        return orchestrator.compute_tenants(p_known, p_tenants, true);
    elsif half = 0 then
        perform orchestrator.hold(
            p_known, p_tenants[1], null, failure, code
        );
        return 0;
    end if;
    return
        orchestrator.compute_tenants(p_known, p_tenants[:half])
        + orchestrator.compute_tenants(p_known, p_tenants[half + 1:]);
end
$$;

-- The same for the periods of a table without tenants.
create or replace function orchestrator.compute_periods(
    p_known orchestrator.models, p_periods timestamptz []
)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    half constant integer := cardinality(p_periods) / 2;
    failure text;
    code text;
begin
    if cardinality(p_periods) = 0 then
        return 0;
    end if;
    begin
        delete from pg_temp.claimed_periods;
        insert into pg_temp.claimed_periods
        select * from pg_temp.all_periods where starts_at = any(p_periods);
        perform set_config('lock_timeout', '50ms', true);
        execute format('select orchestrator.%I()', 'compute_' || p_known.model);
        perform orchestrator.release(p_known.model, null, starts_at)
        from unnest(p_periods) as starts_at;
        perform set_config('orchestrator.has_succeeded', 'yes', true);
        return cardinality(p_periods);
    exception when others then
        get stacked diagnostics failure = message_text, code = returned_sqlstate;
        if not orchestrator.may_be_of_rows(code) then
            raise;
        end if;
    end;
    if half = 0 then
        perform orchestrator.hold(
            p_known, null, p_periods[1], failure, code
        );
        return 0;
    end if;
    return
        orchestrator.compute_periods(p_known, p_periods[:half])
        + orchestrator.compute_periods(p_known, p_periods[half + 1:]);
end
$$;

-- Compute what pg_temp.requests ask, tenant by tenant as far as need be: those that
-- have failed before each by itself. Fails where all fail.
create or replace function orchestrator.isolate_tenants(
    p_known orchestrator.models
)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    known_to_fail text [];
    failing text;
    number bigint;
begin
    create temporary table all_requests on commit drop as
    select * from pg_temp.requests where requests.tenant is not null;
    -- A request of everybody is one of each tenant, and of each whose rows are left.
    execute format(
        'insert into pg_temp.all_requests (
            tenant, period, since, is_named, is_whole, is_build, backlog,
            requested_at
        )
        select tenants.tenant, requests.period, requests.since, false,
            requests.is_whole, requests.is_build, requests.backlog,
            requests.requested_at
        from pg_temp.requests as requests
        cross join (
            select %1$I::text as tenant from %2$s
            union
            select %1$I::text from %3$s
        ) as tenants
        where requests.tenant is null',
        p_known.tenant, p_known.calendar, p_known.relation
    );

    known_to_fail := array(
        select held.tenant
        from orchestrator.quarantine as held
        where held.model = p_known.model
    );
    number := orchestrator.compute_tenants(p_known, array(
        select distinct asked.tenant
        from pg_temp.all_requests as asked
        where asked.tenant <> all(known_to_fail)
        order by asked.tenant
    ));
    foreach failing in array known_to_fail loop
        if exists (
            select from orchestrator.quarantine as held
            where
                held.model = p_known.model
                and held.tenant = failing
                and orchestrator.is_held(held)
        ) then
            perform orchestrator.put_back(p_known, failing);
        elsif exists (
            select from pg_temp.all_requests as asked
            where asked.tenant = failing
        ) then
            number := number
                + orchestrator.compute_tenants(p_known, array[failing]);
        else
            perform orchestrator.release(p_known.model, failing);
        end if;
    end loop;
    return number;
end
$$;

create or replace function orchestrator.isolate_periods(
    p_known orchestrator.models
)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    known_to_fail timestamptz [];
    failing timestamptz;
    number bigint;
begin
    execute format('select orchestrator.%I()', 'claim_' || p_known.model);
    create temporary table all_periods on commit drop as
    select * from pg_temp.claimed_periods;
    -- What is only to go is no cause of a failure.
    delete from pg_temp.claimed_periods as periods
    where periods.starts_at is not null;
    execute format('select orchestrator.%I()', 'compute_' || p_known.model);

    known_to_fail := array(
        select held.starts_at
        from orchestrator.quarantine as held
        where held.model = p_known.model
    );
    number := orchestrator.compute_periods(p_known, array(
        select periods.starts_at
        from pg_temp.all_periods as periods
        where
            periods.starts_at is not null
            and periods.starts_at <> all(known_to_fail)
        order by periods.starts_at
    ));
    foreach failing in array known_to_fail loop
        if exists (
            select from orchestrator.quarantine as held
            where
                held.model = p_known.model
                and held.starts_at = failing
                and orchestrator.is_held(held)
        ) then
            perform orchestrator.put_back(p_known, null, failing);
        else
            number := number
                + orchestrator.compute_periods(p_known, array[failing]);
        end if;
    end loop;
    return number;
end
$$;

-- Put the requests of a tenant, or of a period, back into the queue.
create or replace function orchestrator.put_back(
    p_known orchestrator.models,
    p_tenant text,
    p_starts_at timestamptz default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_tenant is null then
        insert into orchestrator.refresh_queue (
            model, period, reason, is_named, requested_at
        )
        select
            p_known.model, tstzrange(periods.starts_at, periods.ends_at), 'retry',
            false, coalesce(
                (
                    select min(requests.requested_at)
                    from pg_temp.requests as requests
                ),
                clock_timestamp()
            )
        from pg_temp.all_periods as periods
        where periods.starts_at = p_starts_at;
        return;
    end if;
    insert into orchestrator.refresh_queue (
        model, tenant, period, reason, is_named, requested_at
    )
    select
        p_known.model, p_tenant, asked.period, 'retry', asked.is_named is not false,
        coalesce(asked.requested_at, clock_timestamp())
    from pg_temp.all_requests as asked
    where asked.tenant = p_tenant;
end
$$;

-- Set a tenant, or a period, aside that cannot be computed: with its requests, and
-- an incident that says why. A lock that was in the way is no incident at first.
create or replace function orchestrator.hold(
    p_known orchestrator.models,
    p_tenant text,
    p_starts_at timestamptz,
    p_failure text,
    p_sqlstate text
)
returns void
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
    perform orchestrator.put_back(p_known, p_tenant, p_starts_at);
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
    perform set_config(
        'orchestrator.held',
        (current_setting('orchestrator.held')::integer + 1)::text,
        true
    );
    -- More than these are no exception.
    if current_setting('orchestrator.held')::integer > 50 then
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
    perform set_config(
        'orchestrator.isolated',
        concat_ws(
            ' ', nullif(current_setting('orchestrator.isolated', true), ''),
            format('%s keeps its old rows: %s.', subject, rtrim(failure, '.'))
        ),
        true
    );
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
