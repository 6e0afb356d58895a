{# pg_cron, where the database has it: which jobs there should be, what is to be
   done so that there are, and how they went. #}
{% macro runtime_cron() %}
-- The time zone by whose clock pg_cron reads a schedule; null where it has one
-- that this role may not see. The setting has come with version 1.5: before, a
-- server takes it in silence and goes by GMT, and pg_settings does not list it.
create or replace function orchestrator.cron_zone()
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when seen.setting is not null then seen.setting
        when substring(extension.extversion from '^\d+\.\d+')::numeric >= 1.5
            and not pg_has_role('pg_read_all_settings', 'usage')
            then null
        else 'GMT'
    end
    from (values (true)) as always
    left join pg_settings as seen on seen.name = 'cron.timezone'
    left join pg_extension as extension on extension.extname = 'pg_cron'
$$;

-- Moments at which a cadence is due, as a clock in p_zone shows them: enough of
-- them to meet every hour and day that they fall on, also by the changes to
-- and from summer time. Of a cadence with business hours those outside alone
-- (p_outside), those within (not p_outside), or all (null).
create or replace function orchestrator.cron_moments(
    p_cadence jsonb, p_zone text, p_outside boolean default null
)
returns setof timestamp
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    every constant text := p_cadence ->> 'every';
    zone constant text := coalesce(p_cadence ->> 'timezone', 'UTC');
    start constant timestamptz := date_trunc('year', now());
    step interval;
    years integer;
begin
    if every in ('day', 'week', 'month') then
        -- As many years as may pass until each date has been each weekday, and
        -- steps that leave out no moment where a day has 23 hours.
        step := case every
            when 'day' then '12 hours' when 'week' then '3 days' else '10 days'
        end;
        years := case every when 'day' then 2 when 'week' then 8 else 28 end;
        return query
        select distinct orchestrator.last_due(p_cadence, at) at time zone p_zone
        from generate_series(
            start, start + years * interval '1 year', step
        ) as at;
        return;
    end if;

    return query
    with spans as (
        select
            (
                extract(epoch from regexp_replace(
                    part.every, '^(minute|hour)', '1 \1'
                )::interval) / 60
            )::integer as minutes,
            part.is_outside
        from (
            values
            (every, false),
            (case when p_cadence ? 'between' then p_cadence ->> 'otherwise' end,
            true)
        ) as part (every, is_outside)
        where part.every is not null
            and (p_outside is null or part.is_outside = p_outside)
    ),

    -- What is counted from one midnight falls, in time, on each of these.
    local_times as (
        select date '2000-01-01' + minute * interval '1 minute' as at
        from spans
        cross join generate_series(0, 1439, gcd(spans.minutes, 1440)) as minute
        where
            not p_cadence ? 'between'
            or spans.is_outside <> (
                minute * interval '1 minute' between
                (p_cadence -> 'between' ->> 0)::interval
                and (p_cadence -> 'between' ->> 1)::interval
            )
    ),

    apart as (
        select distinct (at at time zone p_zone) - (at at time zone zone) as by
        from generate_series(
            start, start + interval '2 years', interval '1 day'
        ) as at
    )

    select distinct local_times.at + apart.by
    from local_times
    cross join apart;
end
$$;

-- A field of a schedule that is met by these values of p_first to p_last.
create or replace function orchestrator.cron_field(
    p_values integer [], p_first integer, p_last integer
)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    with met as (
        select distinct value from unnest(p_values) as value
    ),

    runs as (
        select min(value) as first, max(value) as last
        from (
            select value, value - row_number() over (order by value) as run
            from met
        ) as numbered
        group by run
    ),

    whole as (
        select count(*) as met, p_last - p_first + 1 as possible
        from met
    )

    select case
        when whole.met = whole.possible then '*'
        when p_first = 0 and whole.met > 1 and whole.possible % whole.met = 0
            and not exists (
                select from met
                where value % (whole.possible / whole.met) <> 0
            )
            then '*/' || whole.possible / whole.met
        else (
            select string_agg(
                case runs.last - runs.first
                    when 0 then runs.first::text
                    when 1 then runs.first || ',' || runs.last
                    else runs.first || '-' || runs.last
                end,
                ',' order by runs.first
            )
            from runs
        )
    end
    from whole
$$;

-- The schedule that meets all of these moments, and as little else as a
-- schedule can. Where no zone is known, each quarter of an hour that may be
-- meant: no zone is nearer to another than that.
create or replace function orchestrator.cron_line(
    p_moments timestamp [], p_is_known boolean, p_by_day boolean,
    p_by_weekday boolean
)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    with met as (
        select
            case
                when p_is_known
                    then array_agg(distinct extract(minute from at)::integer)
                else array_agg(
                    distinct (extract(minute from at)::integer + quarter) % 60
                )
            end as minutes,
            array_agg(distinct extract(hour from at)::integer) as hours,
            array_agg(distinct extract(day from at)::integer) as days,
            array_agg(distinct extract(dow from at)::integer) as weekdays
        from unnest(p_moments) as at
        cross join unnest(array[0, 15, 30, 45]) as quarter
    )

    select concat_ws(
        ' ',
        orchestrator.cron_field(minutes, 0, 59),
        case when p_is_known then orchestrator.cron_field(hours, 0, 23)
            else '*' end,
        case when p_is_known and p_by_day
            then orchestrator.cron_field(days, 1, 31) else '*' end,
        '*',
        case when p_is_known and p_by_weekday
            then orchestrator.cron_field(weekdays, 0, 6) else '*' end
    )
    from met
$$;

-- The schedule on which pg_cron, reading it in p_zone (null: unknown), ticks at
-- each moment at which a cadence is due. Where it cannot be said it ticks more
-- often: what is not due is not refreshed.
create or replace function orchestrator.cron_schedule(
    p_cadence jsonb, p_zone text, p_outside boolean default null
)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select orchestrator.cron_line(
        array(
            select orchestrator.cron_moments(
                p_cadence, coalesce(p_zone, 'GMT'), p_outside
            )
        ),
        p_zone is not null,
        p_cadence ->> 'every' = 'month',
        p_cadence ->> 'every' = 'week'
    )
$$;

-- The jobs that pg_cron is to have: those that models name, and two of ours.
create or replace view orchestrator.cron_jobs as
with clock as (
    select orchestrator.cron_zone() as zone
),

-- A job with several cadences ticks for each.
cadences as (
    select distinct
        jobs.job,
        models.cadence - 'job' - 'otherwise_job' as cadence,
        case
            when models.cadence ? 'job' and models.cadence ? 'otherwise_job'
                then jobs.job = models.cadence ->> 'otherwise_job'
        end as outside
    from orchestrator.models
    cross join unnest(models.jobs) as jobs (job)
),

ticks as (
    select
        cadences.job,
        array_agg(moments.at) as moments,
        bool_and(cadences.cadence ->> 'every' = 'month') as by_day,
        bool_and(cadences.cadence ->> 'every' = 'week') as by_weekday
    from cadences
    cross join clock
    cross join lateral orchestrator.cron_moments(
        cadences.cadence, coalesce(clock.zone, 'GMT'), cadences.outside
    ) as moments (at)
    group by cadences.job
)

select
    ticks.job as jobname,
    orchestrator.cron_line(
        ticks.moments, clock.zone is not null, ticks.by_day, ticks.by_weekday
    ) as schedule,
    format('call orchestrator.run_job(%L)', ticks.job) as command
from ticks
cross join clock
union all
select *
from (
    values
    ('orchestrator-pulse', '* * * * *', 'call orchestrator.pulse()'),
    ('orchestrator-housekeeping', '20 3 * * *', 'call orchestrator.housekeep()')
) as ours (jobname, schedule, command);

-- Whether a job of this database is one that an installation of this project
-- has made: no other calls just that under just that name.
create or replace function orchestrator.is_cron_job(
    p_jobname text, p_command text
)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        p_command in (
            format('call orchestrator.run_job(%L)', p_jobname),
            case p_jobname
                when 'orchestrator-pulse' then 'call orchestrator.pulse()'
                when 'orchestrator-housekeeping'
                    then 'call orchestrator.housekeep()'
            end
        ),
        false
    )
$$;

-- An error, in words that help, where pg_cron is not in this database.
create or replace function orchestrator.require_cron()
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from pg_extension where extname = 'pg_cron') then
        raise exception 'pg_cron is not in the database "%".', current_database()
            using errcode = 'undefined_object',
            hint = case
                when current_setting('cron.database_name', true) <> current_database()
                    then format(
                        'It is in the database %s of this server: have there run what '
                        'this prints: orchestrator cron show',
                        current_setting('cron.database_name', true)
                    )
                else 'Put it there, and the jobs, with: orchestrator cron install'
            end;
    elsif not has_schema_privilege('cron', 'usage') then
        raise exception '% may not use pg_cron.', current_user
            using errcode = 'insufficient_privilege', hint = format(
                'Have an administrator run: grant usage on schema cron to %I;',
                current_user
            );
    end if;
end
$$;

-- The extension, where the server has it for this database.
create or replace function orchestrator.create_cron()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    otherwise constant text :=
        ' Without it, refresh with: orchestrator worker';
    home text;
begin
    if exists (select from pg_extension where extname = 'pg_cron') then
        return;
    elsif not exists (
        select from pg_available_extensions where name = 'pg_cron'
    ) then
        raise exception 'pg_cron is not installed on this server.'
            using errcode = 'undefined_object', hint = format(
                'Install it (on Debian, the package postgresql-%s-cron) and add '
                'pg_cron to shared_preload_libraries.%s',
                current_setting('server_version_num')::integer / 10000,
                otherwise
            );
    end if;
    create extension pg_cron schema pg_catalog;
exception
    when insufficient_privilege then
        raise exception '% may not create the extension pg_cron.', current_user
            using errcode = 'insufficient_privilege', hint = format(
                'Have an administrator run here: create extension pg_cron; '
                'grant usage on schema cron to %I;%s', current_user, otherwise
            );
    when others then
        if sqlerrm like '%shared_preload_libraries%'
            or sqlerrm like 'unrecognized %cron.database_name%' then
            raise exception 'pg_cron is not loaded by this server.'
                using errcode = 'object_not_in_prerequisite_state', hint =
                'Add pg_cron to shared_preload_libraries and restart the '
                'server.' || otherwise;
        elsif sqlerrm like 'can only create extension in database %' then
            home := substring(sqlerrm from 'in database (.*)$');
            raise exception
                'pg_cron of this server is in the database "%", not in "%".',
                home, current_database()
                using errcode = 'object_not_in_prerequisite_state', hint = format(
                    'Set cron.database_name to %s and restart the server, or '
                    'run in %s what this prints: orchestrator cron show',
                    current_database(), home
                );
        end if;
        raise;
end
$$;

-- What is to be done so that pg_cron has the jobs it is to have (p_wanted), or
-- none of ours: one row per job that is missing, is other than it should be
-- (also in whose it is), or is no longer wanted. Nobody else's is touched: a
-- job of the same name that is not ours is an error.
create or replace function orchestrator.cron_changes(p_wanted boolean default true)
returns table (change text, jobname text, schedule text, statement text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    foreign_job record;
begin
    perform orchestrator.require_cron();
    select job.jobid, job.jobname, job.username, job.database into foreign_job
    from cron.job
    inner join orchestrator.cron_jobs as wanted
        on job.jobname::text = wanted.jobname
    where p_wanted and not (
        job.database = current_database()
        and orchestrator.is_cron_job(job.jobname::text, job.command)
    )
    limit 1;
    if found then
        raise exception
            'pg_cron has another job "%", of % in the database "%".',
            foreign_job.jobname, foreign_job.username, foreign_job.database
            using errcode = 'duplicate_object', hint = format(
                'Look at what it does and, where this project takes its '
                'place, remove it: select cron.unschedule(%s);',
                foreign_job.jobid
            );
    end if;

    return query
    with found_jobs as (
        select *
        from cron.job
        where job.database = current_database()
            and orchestrator.is_cron_job(job.jobname::text, job.command)
    ),

    wanted_jobs as (
        select * from orchestrator.cron_jobs where p_wanted
    ),

    compared as (
        select
            wanted_jobs.jobname as wanted_name,
            wanted_jobs.schedule as wanted_schedule,
            wanted_jobs.command as wanted_command,
            found_jobs.jobid,
            found_jobs.jobname::text as found_name,
            found_jobs.schedule as found_schedule,
            coalesce(found_jobs.username = current_user, false) as is_own,
            coalesce(
                bool_or(found_jobs.username = current_user)
                over (partition by wanted_jobs.jobname),
                false
            ) as has_own
        from wanted_jobs
        full outer join found_jobs
            on found_jobs.jobname::text = wanted_jobs.jobname
    )

    -- Another role's job of ours gives way to one of this role's.
    select
        'remove', found_name, found_schedule,
        format('select cron.unschedule(%s)', jobid)
    from compared
    where jobid is not null and (wanted_name is null or not is_own)
    union all
    select distinct
        case when has_own then 'change' else 'add' end,
        wanted_name,
        wanted_schedule,
        format(
            'select cron.schedule(%L, %L, %L)',
            wanted_name, wanted_schedule, wanted_command
        )
    from compared
    where wanted_name is not null
        and (not has_own or is_own and found_schedule <> wanted_schedule)
    order by 1 desc, 2;
end
$$;

-- Do it, and say what was done.
create or replace function orchestrator.change_cron(p_wanted boolean default true)
returns table (change text, jobname text, schedule text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    next_change record;
begin
    perform pg_advisory_xact_lock(hashtext('orchestrator install'));
    if p_wanted then
        {% if not kpi_engine.is_production() -%}
        raise exception
            'The target {{ target.name }} is for development: no job refreshes it.'
            using errcode = 'object_not_in_prerequisite_state';
        {%- endif %}
        perform orchestrator.create_cron();
        perform orchestrator.publish_cron_status();
    end if;
    for next_change in select * from orchestrator.cron_changes(p_wanted) loop
        execute next_change.statement;
        change := next_change.change;
        jobname := next_change.jobname;
        schedule := next_change.schedule;
        return next;
    end loop;
end
$$;

-- The view that dashboards read, of our jobs alone: what others schedule may
-- hold their secrets. It goes with the extension.
create or replace function orchestrator.publish_cron_status()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform orchestrator.require_cron();
    create or replace view analytics.cron_job_status
    with (security_invoker = true) as
    select
        job.jobid,
        job.jobname::text as jobname,
        job.schedule,
        job.command,
        run.start_time as last_run,
        run.status as last_status
    from cron.job
    left join lateral (
        select details.start_time, details.status
        from cron.job_run_details as details
        where details.jobid = job.jobid
        order by details.runid desc
        limit 1
    ) as run on true
    where job.database = current_database()
        and orchestrator.is_cron_job(job.jobname::text, job.command);
    comment on view analytics.cron_job_status is
    'The jobs of pg_cron that refresh the summary tables, and how each last '
    'went. One row per job.';
end
$$;

do $$
begin
    perform orchestrator.publish_cron_status();
exception when undefined_object or insufficient_privilege then
    null; -- There is no pg_cron yet; `orchestrator cron install` comes again.
end
$$;

create or replace function analytics.get_cron_job_status()
returns table (
    jobid bigint,
    jobname text,
    schedule text,
    command text,
    last_run timestamptz,
    last_status text
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform orchestrator.require_admin();
    perform orchestrator.require_cron();
    if to_regclass('analytics.cron_job_status') is null then
        raise exception 'The jobs of pg_cron are not installed.'
            using errcode = 'undefined_table',
            hint = 'Install them with: orchestrator cron install';
    end if;
    return query select * from analytics.cron_job_status order by 2;
end
$$;
comment on function analytics.get_cron_job_status() is
'The jobs of pg_cron and how each last went; for admins.';
revoke all on function analytics.get_cron_job_status() from public;
grant execute on function analytics.get_cron_job_status()
to authenticated, service_role;
{% endmacro %}
