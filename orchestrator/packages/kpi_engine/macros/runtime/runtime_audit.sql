{# Whether the summary tables are what their sources say. #}
{% macro runtime_audit() %}
-- Compute a summary table's periods again, those of p_sample random tenants and
-- moments or (null) all, and count the rows that differ from what is there. It
-- is refreshed first, so whatever differs is drift: an incident says so.
-- p_repair computes what differs again.
create or replace function orchestrator.audit(
    p_model text, p_sample integer default null, p_repair boolean default false
)
returns table (periods bigint, rows_different bigint, message text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    this constant orchestrator.models := orchestrator.declared(p_model);
    requests orchestrator.claimed_request [];
    result orchestrator.refresh_result;
    found_drift jsonb;
begin
    perform orchestrator.refresh_now(p_model, 'audit');

    -- A refresh that is undone: what it would have written is what differs.
    begin
        perform orchestrator.require_all_rows(p_model);
        if p_sample is null then
            requests := array[null::orchestrator.claimed_request];
        else
            execute format(
                'select array_agg((
                    tenant, tstzrange(moment, moment, ''[]''), null, null, null, null,
                    null, null
                )::orchestrator.claimed_request)
                from (
                    select
                        %1$s as tenant,
                        calendar.started_at
                        + random() * ($2 - calendar.started_at) as moment
                    from %2$s as calendar
                    cross join generate_series(1, (
                        select ceil($1::numeric / greatest(count(*), 1))
                        from %2$s
                    )::integer)
                    where calendar.started_at <= $2
                    order by random()
                    limit $1
                ) as sample',
                coalesce('calendar.' || quote_ident(this.tenant), 'null') || '::text',
                this.calendar
            ) into requests using p_sample, {{ kpi_engine.present() }};
        end if;
        result := orchestrator.claim_and_compute(
            p_model, requests, current_setting('lock_timeout')
        );
        periods := result.periods;
        -- What someone has changed since it was refreshed is no drift.
        select jsonb_agg(to_jsonb(changed)) into found_drift
        from unnest(result.changed) as changed
        where not exists (
            select from orchestrator.refresh_queue as open
            where
                open.model = p_model
                and (open.tenant = changed.tenant) is not false
                and (open.period && tstzrange(changed.starts_at, changed.ends_at))
                is not false
        );
        raise exception using errcode = 'UNDO1';
    exception when sqlstate 'UNDO1' then
        null;
    end;

    select coalesce(sum(row_count), 0) into rows_different
    from jsonb_to_recordset(found_drift) as drift (row_count bigint);

    if rows_different = 0 then
        -- A sample without drift does not say that there is none.
        if p_sample is null then
            perform orchestrator.close_incident(
                p_model, 'drift', p_model || ' is what its sources say.'
            );
        end if;
        return next;
        return;
    end if;

    select format(
        '%s differs from its sources in %s %s over %s periods%s%s.',
        p_model,
        rows_different,
        case when rows_different = 1 then 'row' else 'rows' end,
        periods,
        ', the first from '
        || to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC',
        ', of ' || tenant
    ) into message
    from jsonb_to_recordset(found_drift) as drift (
        tenant text, starts_at timestamptz
    )
    order by starts_at
    limit 1;
    perform orchestrator.open_incident(p_model, 'drift', message);

    if p_repair then
        insert into orchestrator.refresh_queue (model, tenant, period, reason)
        select
            p_model,
            tenant,
            case when this.grain <> 'all' then tstzrange(starts_at, ends_at) end,
            'audit'
        from jsonb_to_recordset(found_drift) as drift (
            tenant text, starts_at timestamptz, ends_at timestamptz
        );
        perform orchestrator.refresh_now(p_model, 'audit');
        perform orchestrator.close_incident(
            p_model, 'drift', p_model || ' was repaired.'
        );
    end if;
    return next;
end
$$;
{% endmacro %}
