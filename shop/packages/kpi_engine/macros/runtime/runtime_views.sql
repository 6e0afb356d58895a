{# How the views that summary tables read are made and replaced. #}
{% macro runtime_views() %}
-- Make a view, or replace it, also where a column went or has another type. With
-- p_function it reads by that function, of its query as a text.
create or replace function orchestrator.replace_view(
    p_view text, p_query text, p_function text
)
returns void
language plpgsql
-- As a refresh, of which the query will be a part.
set search_path = pg_catalog, public, pg_temp
as $$
declare
    columns text;
    query text := p_query;
    statement text;
begin
    -- Two first runs may make it at the same moment.
    perform pg_advisory_xact_lock(
        hashtext('orchestrator view'), hashtext(p_view)
    );
    if p_function is not null then
        execute 'create temporary view shape as ' || p_query;
        select string_agg(
            format(
                '%I %s', attname, format_type(atttypid, atttypmod)
            ), ', ' order by attnum
        )
        into columns
        from pg_attribute
        where attrelid = 'pg_temp.shape'::regclass and attnum > 0;
        drop view pg_temp.shape;
        statement := format(
            'create or replace function %s() returns table (%s) language sql stable '
            'as %L', p_function, columns, p_query
        );
        query := format('select * from %s()', p_function);
    end if;
    begin
        if statement is not null then
            execute statement;
        end if;
        execute format('create or replace view %s as %s', p_view, query);
    exception when invalid_table_definition or invalid_function_definition then
        perform orchestrator.drop_view(p_view);
        if statement is not null then
            execute format('drop function if exists %s()', p_function);
            execute statement;
        end if;
        execute format('create view %s as %s', p_view, query);
        perform orchestrator.restore_readers();
    end;
    if statement is not null then
        execute format(
            'revoke all on function %s() from public', p_function
        );
    end if;
end
$$;

-- A hash of what a view does: of its query, and of the function by which it reads;
-- null where there is none.
create or replace function orchestrator.view_definition(p_view text)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select md5(pg_get_viewdef(to_regclass(p_view)) || coalesce((
        select string_agg(pg_proc.prosrc, '' order by pg_proc.proname)
        from pg_rewrite
        inner join pg_depend
            on
                pg_depend.classid = 'pg_rewrite'::regclass
                and pg_depend.objid = pg_rewrite.oid
                and pg_depend.refclassid = 'pg_proc'::regclass
        inner join pg_proc
            on pg_proc.oid = pg_depend.refobjid and pg_proc.proname like 'read\_%'
        where pg_rewrite.ev_class = to_regclass(p_view)
    ), ''))
$$;

-- Drop a view, and remember the views that read it.
create or replace function orchestrator.drop_view(p_view text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    create temporary table readers on commit drop as
    with recursive readers as (
        select to_regclass(p_view)::oid as view, 0 as distance
        union
        select pg_rewrite.ev_class, readers.distance + 1
        from readers
        inner join pg_depend
            on pg_depend.refobjid = readers.view
            and pg_depend.refclassid = 'pg_class'::regclass
            and pg_depend.classid = 'pg_rewrite'::regclass
        inner join pg_rewrite on pg_rewrite.oid = pg_depend.objid
        where pg_rewrite.ev_class <> readers.view
    )

    select
        pg_namespace.nspname as schema,
        pg_class.relname as name,
        pg_get_viewdef(readers.view) as query,
        max(readers.distance) as distance
    from readers
    inner join pg_class on pg_class.oid = readers.view
    inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
    where readers.distance > 0 and pg_class.relkind = 'v'
    group by readers.view, pg_namespace.nspname, pg_class.relname;
    execute format('drop view if exists %s cascade', to_regclass(p_view));
end
$$;

-- Make them again as they were. One that does not fit the new view is left to its
-- own build, which says so.
create or replace function orchestrator.restore_readers()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    reader record;
begin
    for reader in select * from pg_temp.readers order by distance loop
        begin
            execute format(
                'create view %I.%I as %s', reader.schema, reader.name, reader.query
            );
        exception
            when undefined_column or undefined_table or undefined_function
                or datatype_mismatch or cannot_coerce then
                null;
        end;
    end loop;
    drop table pg_temp.readers;
end
$$;
{% endmacro %}
