{# How the views that summary tables read are replaced where a column went or has
   another type, so that they cannot be in place. #}
{% macro runtime_views() %}
-- Drop a view, and remember the views that read it.
create or replace function orchestrator.drop_view(p_view regclass)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    create temporary table readers on commit drop as
    with recursive readers as (
        select p_view::oid as view, 0 as distance
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
    execute format('drop view %s cascade', p_view);
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
