{# How the views that summary tables read are kept as the project has them. #}
{% macro runtime_views() %}
-- Make a view, or replace it in place, so that refreshes go on meanwhile. Where
-- that cannot be, as a column went or has another type, it is dropped and made
-- again, and so are the views that read it, as they are: who reads a view that
-- does not fit the new one is told by its own build.
create or replace function orchestrator.replace_view(
    p_relation text, p_query text, p_compiled text
)
returns void
language plpgsql
set search_path = ''
as $$
declare
    reader record;
begin
    begin
        execute format('create or replace view %s as %s', p_relation, p_query);
    exception when invalid_table_definition then
        create temporary table readers on commit drop as
        with recursive readers as (
            select to_regclass(p_relation)::oid as view, 0 as distance
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
            readers.view::regclass::text as relation,
            pg_get_viewdef(readers.view) as query,
            max(readers.distance) as distance
        from readers
        inner join pg_class on pg_class.oid = readers.view
        where readers.distance > 0 and pg_class.relkind = 'v'
        group by readers.view;
        execute format('drop view %s cascade', p_relation);
        execute format('create view %s as %s', p_relation, p_query);
        for reader in select * from pg_temp.readers order by distance loop
            begin
                execute format(
                    'create view %s as %s', reader.relation, reader.query
                );
            exception
                when undefined_column or undefined_table or undefined_function
                    or datatype_mismatch then
                    null;
            end;
        end loop;
        drop table pg_temp.readers;
    end;

    insert into orchestrator.views as known (relation, compiled, definition)
    values (
        p_relation, p_compiled, md5(pg_get_viewdef(to_regclass(p_relation)))
    )
    on conflict (relation) do update set
        compiled = excluded.compiled, definition = excluded.definition
    where
        (known.compiled, known.definition)
        is distinct from (excluded.compiled, excluded.definition);
end
$$;
{% endmacro %}
