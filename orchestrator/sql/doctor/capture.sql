-- How changes of the source tables are noticed, whether they are, and what that holds;
-- whether the tables are what their contracts have left. Where it is installed.
with standing as (
    select
        sources.*,
        now.state,
        to_regclass(sources.relation) as oid
    from orchestrator.sources
    left join orchestrator.source_states() as now
        on now.relation = sources.relation
),

held as (
    select standing.relation, count(*) as keys
    from standing
    inner join orchestrator.sources as sources
        on sources.relation = standing.relation
    cross join lateral orchestrator.held_of(sources) as held
    where held.kind = 'foreign key'
    group by standing.relation
)

select
    'problem' as verdict,
    format('%%s was released: its changes go unnoticed', relation) as finding,
    'orchestrator install' as remedy
from standing
where released_at is not null
union all
select
    'problem',
    format(
        'changes of %%s go unnoticed since %%s UTC: its triggers are missing or disabled',
        relation,
        to_char(lost_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
    ),
    'orchestrator install'
from standing
where lost_since is not null and released_at is null
union all
select
    'problem',
    format('triggers of %%s are missing or disabled', relation),
    'orchestrator install'
from standing
where
    capture_by = 'triggers'
    and lost_since is null
    and released_at is null
    and installed is not null
    -- But for the tables' numbers, which are others after a restore.
    and (
        regexp_replace(state, '[0-9]+:', '', 'g')
        is distinct from regexp_replace(seen, '[0-9]+:', '', 'g')
        or state ~* '[DR]'
    )
union all
select
    'warning',
    format(
        '%%s source tables are others than were last seen, as after a restore: the next '
        'tick of a worker or pg_cron computes again what reads them', count(*)
    ),
    'To have it done now: orchestrator run'
from standing
where
    capture_by = 'triggers'
    and released_at is null
    and state <> seen
    and regexp_replace(state, '[0-9]+:', '', 'g')
    = regexp_replace(seen, '[0-9]+:', '', 'g')
having count(*) > 0
union all
select
    'problem',
    format(
        'rows of %%s arrive by replication, which its triggers do not see',
        standing.relation
    ),
    'Declare capture: {replicated: true} of it.'
from standing
inner join orchestrator.sources as sources on sources.relation = standing.relation
where standing.capture_by = 'triggers' and orchestrator.misses_replication(sources)
union all
select
    'warning',
    format(
        '%%s belongs to another role: what is written as a replica '
        '(session_replication_role) goes unnoticed', relation
    ),
    'Let the nightly audit find it, or: grant ' || quote_ident(
        (select pg_get_userbyid(relowner) from pg_class where pg_class.oid = standing.oid)
    ) || ' to ' || quote_ident(current_user)
from standing
where
    capture_by = 'triggers'
    and standing.oid is not null
    and not orchestrator.may_alter(standing.oid)
union all
select
    'ok',
    format(
        'noticed by %%s: %%s', case capture_by
            when 'version' then 'version, but for rows that are deleted'
            when 'triggers' then 'triggers'
            else case
                when exists (
                    select from orchestrator.models where lookback is not null
                ) then 'lookback, of the last days alone'
                else 'each build, as this target is for development'
            end
        end, string_agg(relation, ', ' order by relation)
    ),
    null
from standing
where capture_by <> 'triggers'
group by capture_by
union all
select
    'ok',
    format(
        'foreign keys of summary tables refer to %%s', string_agg(
            format('%%s (%%s)', relation, keys), ', ' order by relation
        )
    ),
    'Before such a table is truncated, dropped, or its key gets another type: '
    'orchestrator release TABLE'
from held
having count(*) > 0
union all
select
    'ok',
    case
        when exists (
            select from pg_event_trigger
            where evtname = 'orchestrator_look' and evtenabled <> 'D'
        )
            then 'changes of tables are noticed as they are made, by an event trigger'
        else 'changes of tables (a partition attached, a trigger disabled) are noticed '
            'by the next tick of a worker or pg_cron: this role may have no event trigger'
    end,
    null
union all
select
    'problem',
    format('%%s is no longer as its model declares it', model),
    format('dbt build --select %%s', model)
from orchestrator.models
where
    contract is not null
    and to_regclass(relation) is not null
    and contract ->> 'fingerprint'
    <> orchestrator.table_fingerprint(to_regclass(relation))
union all
select
    'problem',
    format(
        'the policies of %%s summary tables do not let in their owner, as after a restore '
        'by another role: nothing refreshes them', count(*)
    ),
    'orchestrator access apply'
from orchestrator.models
where orchestrator.hides_from_owner(to_regclass(relation))
having count(*) > 0
union all
select
    'problem',
    format('%%s lacks the foreign key %%s', models.model, missing.name),
    format('dbt build --select %%s', models.model)
from orchestrator.models
cross join lateral orchestrator.missing_foreign_keys(models.model) as missing
where to_regclass(models.relation) is not null
