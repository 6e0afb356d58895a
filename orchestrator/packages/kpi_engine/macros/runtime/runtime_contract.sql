{# Whether a summary table is as its model's contract declares it, and how it is
   brought there in its place. #}
{% macro runtime_contract() %}
-- The indexes of a table that no constraint has: what each is, without its name.
create or replace function orchestrator.indexes_of(p_table regclass)
returns table (index regclass, definition text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        pg_index.indexrelid::regclass,
        concat_ws(
            ' ',
            case when pg_index.indisunique then 'unique' end,
            pg_am.amname,
            (
                select string_agg(
                    pg_get_indexdef(pg_index.indexrelid, place, true), ', '
                    order by place
                )
                from generate_series(1, pg_index.indnkeyatts) as place
            ),
            pg_get_expr(pg_index.indpred, pg_index.indrelid)
        )
    from pg_index
    inner join pg_class on pg_class.oid = pg_index.indexrelid
    inner join pg_am on pg_am.oid = pg_class.relam
    where
        pg_index.indrelid = p_table
        and not exists (
            select from pg_constraint
            where
                pg_constraint.conindid = pg_index.indexrelid
                and pg_constraint.contype in ('p', 'u', 'x')
        )
$$;

-- A table's constraints but for foreign keys and not null.
create or replace function orchestrator.constraints_of(p_table regclass)
returns table (name text, kind "char", definition text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select conname, contype, pg_get_constraintdef(oid)
    from pg_constraint
    where conrelid = p_table and contype in ('c', 'p', 'u')
$$;

-- What a table is, of what a contract says.
create or replace function orchestrator.table_fingerprint(p_table regclass)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select md5(concat(
        (
            select string_agg(
                format(
                    '%s %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull,
                    pg_get_expr(adbin, adrelid)
                ), ',' order by attname
            )
            from pg_attribute
            left join pg_attrdef on adrelid = attrelid and adnum = attnum
            where attrelid = p_table and attnum > 0 and not attisdropped
        ),
        (
            select string_agg(definition, ',' order by definition)
            from orchestrator.constraints_of(p_table)
        ),
        (
            select string_agg(definition, ',' order by definition)
            from orchestrator.indexes_of(p_table)
        )
    ))
$$;

-- Whether a summary table is as a contract, by its hash, has left it.
create or replace function orchestrator.meets_contract(
    p_model text, p_table regclass, p_declared text
)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce((
        select
            contract ->> 'declared' = p_declared
            and contract ->> 'fingerprint' = orchestrator.table_fingerprint(p_table)
        from orchestrator.models
        where model = p_model
    ), false)
$$;

-- Where a table differs from an empty one that was made as its contract says, and the
-- statement that ends that, in the order in which they are to be run. Before rows
-- are computed: what would keep them out (1, 2, 3); after it: what only they can meet
-- (4). Others' constraints and indexes, which no contract has had, are theirs.
create or replace function orchestrator.contract_differences(
    p_table regclass, p_declared regclass, p_before jsonb
)
returns table (phase integer, problem text, repair text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with columns as (
        select
            coalesce(here.attname, declared.attname) as name,
            here.attname is not null as is_here,
            declared.attname is not null as is_declared,
            here.attnotnull as is_required,
            declared.attnotnull as is_declared_required,
            format_type(here.atttypid, here.atttypmod) as type,
            format_type(declared.atttypid, declared.atttypmod) as declared_type,
            here.default_value,
            declared.default_value as declared_default
        from (
            select pg_attribute.*, pg_get_expr(adbin, adrelid) as default_value
            from pg_attribute
            left join pg_attrdef on adrelid = attrelid and adnum = attnum
            where attrelid = p_table and attnum > 0 and not attisdropped
        ) as here
        full join (
            select pg_attribute.*, pg_get_expr(adbin, adrelid) as default_value
            from pg_attribute
            left join pg_attrdef on adrelid = attrelid and adnum = attnum
            where attrelid = p_declared and attnum > 0 and not attisdropped
        ) as declared on declared.attname = here.attname
    ),

    constraints as (
        select
            coalesce(here.name, declared.name) as name,
            coalesce(here.kind, declared.kind) as kind,
            coalesce(here.definition, declared.definition) as definition,
            here.name is not null as is_here,
            declared.name is not null as is_declared
        from orchestrator.constraints_of(p_table) as here
        full join orchestrator.constraints_of(p_declared) as declared
            on declared.definition = here.definition
    ),

    indexes as (
        select
            here.index,
            coalesce(here.definition, declared.definition) as definition,
            declared.definition is not null as is_declared
        from orchestrator.indexes_of(p_table) as here
        full join orchestrator.indexes_of(p_declared) as declared
            on declared.definition = here.definition
    )

    select
        1,
        format('has the constraint %s', definition),
        format('alter table %s drop constraint %I', p_table, name)
    from constraints
    where
        is_here
        and not is_declared
        and (
            kind = 'p' or p_before is null or p_before -> 'constraints' ? definition
        )
    union all
    select
        2,
        format('has %I not null', name),
        format('alter table %s alter column %I drop not null', p_table, name)
    from columns
    where is_here and is_required and is_declared_required is not true
    union all
    select
        2,
        format('has %I of type %s, not %s', name, type, declared_type),
        format(
            'alter table %1$s alter column %2$I type %3$s using %2$I::%3$s',
            p_table, name, declared_type
        )
    from columns
    where is_here and is_declared and type <> declared_type
    union all
    select
        case when declared_default is null then 1 else 3 end,
        format('has %I by default %s', name, coalesce(default_value, 'null')),
        format(
            'alter table %s alter column %I %s', p_table, name,
            coalesce('set default ' || declared_default, 'drop default')
        )
    from columns
    where is_here and is_declared and default_value is distinct from declared_default
    union all
    select
        case when kind = 'c' then 4 else 3 end,
        format('lacks the constraint %s', definition),
        format('alter table %s add %s', p_table, definition)
    from constraints
    where is_declared and not is_here
    union all
    select
        3,
        format('has the index %s', index),
        format('drop index %s', index)
    from indexes
    where
        index is not null
        and not is_declared
        and (
            p_before -> 'indexes' ? definition
            -- As dbt names them.
            or p_before is null
            and split_part(index::text, '.', 2) ~ '^"?[0-9a-f]{32}"?$'
        )
    union all
    select
        3,
        format('lacks an index (%s)', indexes.definition),
        format(
            'create%s index on %s using %s',
            case when indexes.definition like 'unique %' then ' unique' else '' end,
            p_table,
            substring(
                pg_get_indexdef(declared.index) from ' USING (.*)$'
            )
        )
    from indexes
    inner join orchestrator.indexes_of(p_declared) as declared
        on declared.definition = indexes.definition
    where indexes.index is null
    union all
    select
        4,
        format('has %I nullable', name),
        format('alter table %s alter column %I set not null', p_table, name)
    from columns
    where is_here and is_declared_required and not is_required
    order by 1, 2
$$;

-- Bring a summary table to what its contract declares, so far as may be before its
-- rows are computed, or (p_is_last) wholly. Returns what to say of the columns that its
-- model has no more, which stay; null: there are none.
create or replace function orchestrator.meet_contract(
    p_model text,
    p_table regclass,
    p_empty regclass,
    p_declared text,
    p_is_last boolean
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    before constant jsonb := (
        select contract from orchestrator.models where model = p_model
    );
    difference record;
begin
    for difference in
        select * from orchestrator.contract_differences(p_table, p_empty, before)
        where phase < 4 or p_is_last
        order by phase
    loop
        begin
            execute difference.repair;
        exception when others then
            raise exception '% %, and that cannot be changed in its place (%). What '
                'can: dbt build --select % --full-refresh',
                p_model, difference.problem, sqlerrm, p_model
                using errcode = sqlstate;
        end;
    end loop;
    if p_is_last then
        update orchestrator.models
        set contract = jsonb_build_object(
            'declared', p_declared,
            'fingerprint', orchestrator.table_fingerprint(p_table),
            'constraints', (
                select coalesce(jsonb_agg(definition), '[]')
                from orchestrator.constraints_of(p_empty)
            ),
            'indexes', (
                select coalesce(jsonb_agg(definition), '[]')
                from orchestrator.indexes_of(p_empty)
            )
        )
        where model = p_model;
    end if;
    return (
        select format(
            '%s keeps %s, which its model has no more. To remove it: alter table %s %s',
            p_model,
            string_agg(quote_ident(here.attname), ', '),
            p_table,
            string_agg(format('drop column %I', here.attname), ', ')
        )
        from pg_attribute as here
        where
            here.attrelid = p_table
            and here.attnum > 0
            and not here.attisdropped
            and not exists (
                select from pg_attribute as declared
                where
                    declared.attrelid = p_empty and declared.attname = here.attname
            )
        having count(*) > 0
    );
end
$$;

-- What others have hung on a summary table, which would go with the table.
create or replace function orchestrator.hung_on(p_model text, p_views text [])
returns setof text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with target as (
        select to_regclass(relation)::oid as oid, contract
        from orchestrator.models
        where model = p_model
    )

    select format(
        '%s %s', case relkind when 'v' then 'view' else 'materialized view' end,
        pg_class.oid::regclass
    )
    from target
    inner join pg_depend
        on
            pg_depend.refclassid = 'pg_class'::regclass
            and pg_depend.refobjid = target.oid
            and pg_depend.classid = 'pg_rewrite'::regclass
    inner join pg_rewrite on pg_rewrite.oid = pg_depend.objid
    inner join pg_class on pg_class.oid = pg_rewrite.ev_class
    where
        pg_class.oid <> all(
            array(select to_regclass(each)::oid from unnest(p_views) as each)
        )
    union
    select 'index ' || indexes.index
    from target
    cross join orchestrator.indexes_of(target.oid) as indexes
    where not target.contract -> 'indexes' ? indexes.definition
    union
    select format('constraint %I', constraints.name)
    from target
    cross join orchestrator.constraints_of(target.oid) as constraints
    where not target.contract -> 'constraints' ? constraints.definition
    union
    select format('trigger %I', tgname)
    from target
    inner join pg_trigger on tgrelid = target.oid
    where not tgisinternal
    union
    select format('foreign key %I of %s', conname, conrelid::regclass)
    from target
    inner join pg_constraint on confrelid = target.oid
    union
    select format('publication %I', pubname)
    from target
    inner join pg_publication_rel on prrelid = target.oid
    inner join pg_publication on pg_publication.oid = prpubid
    where
        pubname not in (
            select publication from orchestrator.access where model = p_model
        )
    union
    select format('statistics %I', stxname)
    from target
    inner join pg_statistic_ext on stxrelid = target.oid
    order by 1
$$;

-- The foreign keys that a model declares and that its table does not have, as when the
-- table they refer to was dropped: each with the statements that make it.
create or replace function orchestrator.missing_foreign_keys(p_model text)
returns table (name text, repair text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        declared.name,
        format(
            'alter table %1$s drop constraint if exists %2$I, '
            'add constraint %2$I %3$s; comment on constraint %2$I on %1$s is %4$L',
            models.relation, declared.name, declared.definition,
            'kpi_engine ' || md5(declared.definition)
        )
    from orchestrator.models
    cross join jsonb_to_recordset(models.foreign_keys) as declared (
        name text, definition text, reference text
    )
    where
        models.model = p_model
        and not exists (
            select from orchestrator.sources
            where
                sources.released_at is not null
                and declared.reference = sources.relation
        )
        and not exists (
            select from pg_constraint
            where
                conrelid = to_regclass(models.relation)
                and contype = 'f'
                and right(obj_description(oid, 'pg_constraint'), 32)
                = md5(declared.definition)
        )
    order by 1
$$;

-- Let go of a source table, so that nothing of this project keeps the application from
-- changing it: drop the triggers on it, and the foreign keys that refer to it. Returns
-- what was dropped.
create or replace function orchestrator.release_source(p_relation text)
returns table (kind text, name text, of_table text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    source orchestrator.sources;
    held record;
begin
    select * into source
    from orchestrator.sources where to_regclass(relation) = to_regclass(p_relation);
    if not found then
        raise exception 'No summary table reads a source table %.', p_relation
            using errcode = 'invalid_parameter_value', hint = (
                select 'There are: ' || string_agg(relation, ', ' order by relation)
                from orchestrator.sources
            );
    end if;
    for held in select * from orchestrator.held_of(source) loop
        execute held.release;
        kind := held.kind;
        name := held.name;
        of_table := held.of_table::text;
        return next;
    end loop;
    update orchestrator.sources
    set
        released_at = coalesce(released_at, clock_timestamp()),
        seen = null
    where relation = source.relation;
    perform orchestrator.open_incident(source.relation, 'capture', format(
        '%s was released: its changes go unnoticed until `orchestrator install`.',
        source.relation
    ));
end
$$;

-- What this project has on a source table, or that refers to it, and how each goes.
create or replace function orchestrator.held_of(p_source orchestrator.sources)
returns table (kind text, name text, of_table regclass, release text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        'trigger', tgname, tgrelid::regclass,
        format('drop trigger %I on %s', tgname, tgrelid::regclass)
    from pg_trigger
    where
        tgfoid = to_regprocedure(
            format('orchestrator.%I()', 'capture_' || p_source.generated_name)
        )
        and tgparentid = 0
    union all
    select
        'foreign key', conname, conrelid::regclass,
        format('alter table %s drop constraint %I', conrelid::regclass, conname)
    from pg_constraint
    where
        contype = 'f'
        and conparentid = 0
        and confrelid = to_regclass(p_source.relation)
        and conrelid in (
            select to_regclass(relation) from orchestrator.models
        )
    order by 1, 2
$$;

-- Make the foreign keys that a summary table lacks.
create or replace function orchestrator.make_foreign_keys(p_model text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    missing record;
begin
    for missing in select * from orchestrator.missing_foreign_keys(p_model) loop
        execute missing.repair;
    end loop;
end
$$;
{% endmacro %}
