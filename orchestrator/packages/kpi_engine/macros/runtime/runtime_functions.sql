{# The functions for people and applications, in the schema that is published.
   Each runs with its owner's rights and lets in admins alone. #}
{% macro runtime_functions() %}
-- Refresh a summary table here and now: its open requests and the periods that
-- time has brought, after those of the tables that it reads. A failure is
-- recorded, leaves the requests, and comes back as a row and a warning. Where
-- another session is refreshing one of them, the status is `skipped`.
create or replace function analytics.refresh(model text)
returns table (
    status text, periods integer, rows_changed integer, error_message text
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform orchestrator.require_admin();
    return query
    select run.status, run.periods, run.rows_changed, run.error_message
    from orchestrator.refresh_by_name(model, 'database') as run;
end
$$;

-- Refresh every summary table, what is read before what reads it: how many were, and what
-- became of those that failed (null: none did).
create or replace function orchestrator.refresh_all(
    out refreshed integer, out changed_rows bigint, out failures text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    next_model text;
    run orchestrator.job_runs;
begin
    refreshed := 0;
    changed_rows := 0;
    for next_model in
        select read.model
        from orchestrator.lineage as read
        where read.model = read.upstream
        order by read.depth, read.model
    loop
        run := orchestrator.refresh(next_model, 'database', p_eager => true);
        if run.status = 'error' then
            failures := concat_ws(
                '; ', failures, format('%s: %s', next_model, run.error_message)
            );
        elsif run.status = 'success' then
            refreshed := refreshed + 1;
            changed_rows := changed_rows + run.rows_changed;
        end if;
    end loop;
end
$$;

-- Refresh all that can be refreshed, and say how that went.
create or replace function analytics.manual_refresh()
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform orchestrator.require_admin();
    return (
        select
            format(
                '%s summary tables refreshed, %s rows changed.', refreshed, changed_rows
            ) || coalesce(' Failed: ' || failures || '.', '')
        from orchestrator.refresh_all()
    );
end
$$;

-- Refresh all of them or none: an error where one fails, which undoes the others.
create or replace function analytics.refresh_all_views()
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    failed text;
begin
    perform orchestrator.require_admin();
    failed := (select failures from orchestrator.refresh_all());
    if failed is not null then
        raise exception 'Nothing was refreshed. Failed: %.', failed
            using hint =
            'analytics.manual_refresh() keeps what succeeds, and says what failed.';
    end if;
end
$$;

-- How many rows each published summary table has, and when it was last checked.
create or replace function analytics.health_check()
returns table (view_name text, row_count bigint, last_refresh timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    summary record;
begin
    perform orchestrator.require_admin();
    for summary in
        select
            models.model,
            to_regclass(models.relation) as relation,
            max(runs.finished_at) as checked_at
        from orchestrator.models as models
        left join orchestrator.job_runs as runs
            on models.model = runs.job and runs.status = 'success'
        where models.is_published
        group by models.model, models.relation
        order by models.model
    loop
        view_name := summary.model;
        last_refresh := summary.checked_at;
        row_count := null;
        if summary.relation is not null then
            execute format('select count(*) from %s', summary.relation)
            into row_count;
        end if;
        return next;
    end loop;
end
$$;

revoke all on function
analytics.refresh(text), analytics.manual_refresh(),
analytics.refresh_all_views(), analytics.health_check()
from public;
grant execute on function
analytics.refresh(text), analytics.manual_refresh(),
analytics.refresh_all_views(), analytics.health_check()
to authenticated, service_role;

-- The tenant, which a caller must name.
create or replace function orchestrator.given(p_tenant text)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_tenant is null then
        raise exception 'Whose periods to compute is missing: the id is null.'
            using errcode = 'null_value_not_allowed';
    end if;
    return p_tenant;
end
$$;

-- The first day of a month, which a caller gives in numbers.
create or replace function orchestrator.month_start(p_year integer, p_month integer)
returns date
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return make_date(p_year, p_month, 1);
exception when datetime_field_overflow then
    raise exception 'There is no month % of the year %.', p_month, p_year
        using errcode = 'invalid_parameter_value',
        hint = 'A month is a number from 1 to 12, a year one from 1 on.';
end
$$;

-- An error where the period with this local day cannot have a row yet, or never will,
-- of one tenant (null: of any). Of a period under way p_is_included has one.
create or replace function orchestrator.require_period(
    p_model text, p_tenant text, p_day date, p_is_included boolean
)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    asked constant orchestrator.models := orchestrator.declared(p_model);
    present constant timestamptz := {{ kpi_engine.present() }};
    starts_on timestamp;
    ends_on timestamp;
    row_from timestamp;
    -- Of the tenant with whom the period is over first.
    zone text;
    row_at timestamptz;
    ends_at timestamptz;
    started_at timestamptz;
begin
    if not isfinite(p_day) then
        raise exception 'A date of infinity has no period.'
            using errcode = 'invalid_parameter_value';
    end if;
    p_tenant := orchestrator.check_asked(p_model, p_tenant);
    starts_on := date_trunc(asked.grain, p_day::timestamp);
    ends_on := starts_on + format('1 %s', asked.grain)::interval;
    row_from := case when p_is_included then starts_on else ends_on end;
    execute format(
        'select
            timezone,
            $2 at time zone timezone as row_from,
            $3 at time zone timezone as ends_at,
            min(started_at) over () as started_at
        from %1$s
        where $1 is null and is_active or %2$s = $1
        order by 2
        limit 1',
        asked.calendar, coalesce(quote_ident(asked.tenant), 'null') || '::text'
    ) into zone, row_at, ends_at, started_at using p_tenant, row_from, ends_on;
    if row_at > present then
        raise exception '% has no row of the % % yet: it % on % (%).',
            p_model, asked.grain, starts_on::date,
            case when p_is_included then 'begins' else 'ends' end,
            to_char(row_from, 'YYYY-MM-DD "at" HH24:MI'), zone
            using errcode = 'invalid_parameter_value';
    elsif ends_at <= started_at then
        raise exception '% has no row of the % %: the first is of %.',
            p_model, asked.grain, starts_on::date,
            (started_at at time zone zone)::date
            using errcode = 'invalid_parameter_value';
    end if;
end
$$;

-- Compute the periods of one tenant (null: of all that are active) that lie in
-- these local days, and return when they are there.
create or replace function orchestrator.compute(
    p_model text, p_tenant text, p_from date, p_to date
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_from is null or p_to is null then
        raise exception 'A date is missing: the argument is null.'
            using errcode = 'null_value_not_allowed';
    end if;
    perform orchestrator.request(
        p_model, p_tenant, p_from, p_to, 'function',
        p_only_active => p_tenant is null
    );
    perform orchestrator.refresh_now(p_model);
end
$$;

-- The same for every summary table that declares p_function of this kind, what
-- is read before what reads it. p_from null: p_days_back days before the
-- tenant's today.
create or replace function orchestrator.compute_group(
    p_kind text,
    p_function text,
    p_tenant text,
    p_from date default null,
    p_to date default null,
    p_days_back integer default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    next_model orchestrator.models;
    today date;
begin
    for next_model in
        select models.*
        from orchestrator.models as models
        inner join orchestrator.lineage as read
            on read.model = models.model and read.upstream = models.model
        where models.functions ->> p_kind = p_function
        order by read.depth, models.model
    loop
        p_tenant := orchestrator.check_asked(next_model.model, p_tenant);
        if p_days_back is not null then
            execute format(
                'select ($2 at time zone timezone)::date
                from %s where $1 is null or %s::text = $1 limit 1',
                next_model.calendar, coalesce(quote_ident(next_model.tenant), '$1')
            ) into today using p_tenant, {{ kpi_engine.present() }};
            if p_days_back < 0 then
                raise exception 'There are no last % days.', p_days_back
                    using errcode = 'invalid_parameter_value';
            end if;
            p_from := today - p_days_back;
            p_to := today;
        elsif p_from > ({{ kpi_engine.present() }} + interval '14 hours')::date then
            raise exception 'These days lie ahead: the first is %.', p_from
                using errcode = 'invalid_parameter_value';
        end if;
        perform orchestrator.compute(next_model.model, p_tenant, p_from, p_to);
    end loop;
end
$$;
{% endmacro %}
