{# Backfills: many days, in slices that commit. #}
{% macro runtime_backfill() %}
-- Begin to compute a tenant's (null: all) local days p_from to p_to of a
-- summary table, or go on with what was begun of the same.
create or replace function orchestrator.begin_backfill(
    p_model text, p_tenant text, p_from date, p_to date
)
returns orchestrator.backfills
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    backfill orchestrator.backfills;
begin
    p_tenant := orchestrator.check_asked(p_model, p_tenant, p_from, p_to);
    insert into orchestrator.backfills (
        model, tenant, first_day, last_day, next_day
    )
    values (p_model, p_tenant, p_from, p_to, p_from)
    on conflict do nothing;
    select * into backfill
    from orchestrator.backfills
    where
        model = p_model
        and tenant is not distinct from p_tenant
        and first_day = p_from
        and last_day = p_to
        and finished_at is null;
    return backfill;
end
$$;

-- Compute the next p_days days of a backfill. To be committed by itself.
create or replace function orchestrator.backfill_slice(
    p_backfill bigint, p_days integer
)
returns table (next_day date, rows_changed integer)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    backfill orchestrator.backfills;
    through date;
    run orchestrator.job_runs;
begin
    select * into backfill
    from orchestrator.backfills
    where id = p_backfill and finished_at is null
    for update;
    if not found then
        return;
    end if;
    -- Where days mean nothing, one slice is all.
    through := case
        when (orchestrator.declared(backfill.model)).grain = 'all'
            then backfill.last_day
        else least(backfill.next_day + p_days - 1, backfill.last_day)
    end;
    perform orchestrator.request(
        backfill.model, backfill.tenant, backfill.next_day, through, 'backfill'
    );
    run := orchestrator.refresh_now(backfill.model, 'backfill');
    update orchestrator.backfills
    set
        next_day = through + 1,
        finished_at = case
            when through = backfill.last_day then clock_timestamp()
        end
    where id = p_backfill;
    return query select through + 1, run.rows_changed;
end
$$;
{% endmacro %}
