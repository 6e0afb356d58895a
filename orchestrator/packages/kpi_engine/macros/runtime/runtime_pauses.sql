{# Tables that are not to be refreshed for a while. #}
{% macro runtime_pauses() %}
-- Leave a summary table (null: every one) as it is until a moment. Its requests wait.
create or replace function orchestrator.pause(
    p_model text, p_until timestamptz, p_reason text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_model is not null then
        perform orchestrator.declared(p_model);
    end if;
    if (p_until > clock_timestamp()) is not true or not isfinite(p_until) then
        raise exception 'A pause needs an end that lies ahead.'
            using errcode = 'invalid_parameter_value';
    elsif coalesce(trim(p_reason), '') = '' then
        raise exception 'A pause needs a reason, for who wonders.'
            using errcode = 'invalid_parameter_value';
    end if;
    insert into orchestrator.pauses as pauses (model, until, reason)
    values (coalesce(p_model, '*'), p_until, trim(p_reason))
    on conflict (model) do update set
        until = excluded.until,
        reason = excluded.reason,
        paused_at = excluded.paused_at,
        paused_by = excluded.paused_by;
end
$$;

-- End the pause of a summary table, or (null) every pause. Returns how many there were.
create or replace function orchestrator.resume(p_model text default null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    ended bigint;
begin
    if p_model is not null then
        perform orchestrator.declared(p_model);
    end if;
    with gone as (
        delete from orchestrator.pauses
        where model = p_model or p_model is null
        returning until
    )

    select count(*) filter (where until > clock_timestamp()) into ended from gone;
    if p_model is not null and orchestrator.pause_of(p_model) is not null then
        raise exception '% is paused with every other: orchestrator resume --all',
            p_model
            using errcode = 'invalid_parameter_value';
    end if;
    return ended;
end
$$;

-- Why, and until when, a summary table is left as it is; null where it is not.
create or replace function orchestrator.pause_of(p_model text)
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select format(
            'paused until %s UTC: %s',
            to_char(max(until) at time zone 'UTC', 'YYYY-MM-DD HH24:MI'),
            string_agg(reason, '; ' order by until)
        )
        from orchestrator.pauses
        where model in (p_model, '*') and until > clock_timestamp()
        having count(*) > 0
    );
end
$$;
{% endmacro %}
