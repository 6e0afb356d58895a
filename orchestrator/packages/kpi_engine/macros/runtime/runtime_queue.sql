{# How work gets into the queue. #}
{% macro runtime_queue() %}
-- The time that something from p_from to p_to (null: open) touches, in either
-- order, as a half-open range; null where it has not happened. A date is a local day
-- somewhere on Earth: which instants those are, its tenant's zone decides
-- later, so that capturing it needs no look-up.
-- What is infinite is on no day. (Bodies that are parsed as they are made: a
-- caller may have types of the same names, and a search_path could not be inlined.)
create or replace function orchestrator.affected_range(
    p_from timestamptz, p_to timestamptz
)
returns tstzrange
language sql stable
return case
    when isfinite(p_from)
        then tstzrange(
            least(p_from, p_to),
            case
                when p_to is not null
                    then greatest(p_from, p_to) + interval '1 microsecond'
            end
        )
end;

create or replace function orchestrator.affected_range(p_from timestamp, p_to timestamp)
returns tstzrange
language sql stable
return orchestrator.affected_range(
    p_from at time zone 'UTC', p_to at time zone 'UTC'
);

create or replace function orchestrator.affected_range(p_from date, p_to date)
returns tstzrange
language sql stable
return case
    when isfinite(p_from)
        then tstzrange(
            (least(p_from, p_to)::timestamp - interval '14 hours')
            at time zone 'UTC',
            case
                when p_to is not null
                    then (
                        greatest(p_from, p_to)::timestamp
                        + interval '36 hours'
                    ) at time zone 'UTC'
            end
        )
end;

-- A day from which, to a moment until which, or the other way round.
create or replace function orchestrator.affected_range(p_from date, p_to timestamptz)
returns tstzrange
language sql stable
return case
    when p_to is null then orchestrator.affected_range(p_from, null::date)
    else range_merge(
        orchestrator.affected_range(p_from, p_from),
        orchestrator.affected_range(p_to, p_to)
    )
end;

-- What the project declares of a summary table; an error where there is none.
create or replace function orchestrator.declared(p_model text)
returns orchestrator.models
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_model orchestrator.models;
begin
    select * into found_model from orchestrator.models where model = p_model;
    if not found then
        raise exception 'There is no summary table "%".', p_model
            using errcode = 'undefined_table', hint = (
                select 'There are: ' || string_agg(model, ', ' order by model)
                from orchestrator.models
            );
    end if;
    return found_model;
end
$$;

-- A tenant of a summary table as the queue names it (null: all of them). An error where
-- it has no such tenant, or the days end before they begin.
create or replace function orchestrator.check_asked(
    p_model text, p_tenant text, p_from date default null, p_to date default null
)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    asked constant orchestrator.models := orchestrator.declared(p_model);
    known_tenant text;
begin
    if p_to < p_from then
        raise exception 'The days end (%) before they begin (%).', p_to, p_from
            using errcode = 'invalid_parameter_value';
    elsif p_tenant is null then
        return null;
    elsif asked.tenant is null then
        raise exception '% has no tenants.', p_model
            using errcode = 'invalid_parameter_value';
    end if;
    begin
        execute format(
            'select %1$I::text from %2$s where %1$I = $1::%3$s',
            asked.tenant, asked.calendar, asked.tenant_type
        ) into known_tenant using p_tenant;
    exception when data_exception then
        raise exception '% has no tenant %: its tenants'' ids are of type %.',
            p_model, quote_literal(p_tenant), asked.tenant_type
            using errcode = 'invalid_parameter_value';
    end;
    if known_tenant is null then
        raise exception '% has no tenant %.', p_model, p_tenant
            using errcode = 'no_data_found';
    end if;
    return known_tenant;
end
$$;

-- Ask for local days p_from to p_to (null: from the first, to the last) of a
-- tenant (null: all, or all that are active), as a person does.
create or replace function orchestrator.request(
    p_model text,
    p_tenant text default null,
    p_from date default null,
    p_to date default null,
    p_reason text default 'request',
    p_only_active boolean default false
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    asked constant orchestrator.models := orchestrator.declared(p_model);
begin
    p_tenant := orchestrator.check_asked(p_model, p_tenant, p_from, p_to);
    if p_tenant is null and p_from is null and p_to is null then
        insert into orchestrator.refresh_queue (model, reason)
        values (p_model, p_reason);
        return;
    end if;

    execute format(
        'insert into orchestrator.refresh_queue (model, tenant, period, reason)
        select $1, %1$s, case when coalesce($3, $4) is not null then tstzrange(
            $3::timestamp at time zone timezone,
            ($4 + 1)::timestamp at time zone timezone
        ) end, $5
        from %2$s
        where ($2 is null or %1$s = $2) and (is_active or not $6)',
        coalesce(quote_ident(asked.tenant), 'null') || '::text', asked.calendar
    ) using p_model, p_tenant, p_from, p_to, p_reason, p_only_active;
end
$$;

-- The same, of a tenant by its key as the application has it.
create or replace function orchestrator.request(
    p_model text,
    p_tenant anynonarray,
    p_from date default null,
    p_to date default null,
    p_reason text default 'request'
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    select orchestrator.request(p_model, p_tenant::text, p_from, p_to, p_reason)
$$;
{% endmacro %}
