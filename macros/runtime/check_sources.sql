{# On-run-start, before anything is written: the source tables that this run
   needs (an operation, which selects nothing: all) are there, with the columns
   that sources.yml names, and say what a change of theirs touches. #}
{% macro check_sources() -%}
    {%- if execute -%}
        {%- set tables = tables_present() -%}
        {%- set needed = {} -%}
        {%- set ids = graph.nodes if flags.WHICH == 'run-operation'
            else selected_resources -%}
        {%- for id in ids if id in graph.nodes -%}
            {%- for source in lineage_of(graph.nodes[id]).sources -%}
                {%- do needed.update({source_relation(source): source}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set missing = needed | reject('in', tables) | sort -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                "There is no source table "
                ~ (missing | join(', '))
                ~ ". Create it, set the domain's schema var, or leave its"
                ~ " domain out of the var `domains`."
            ) -%}
        {%- endif -%}
        {%- for relation, source in needed.items() -%}
            {%- do _check_capture(source, tables[relation]) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# {schema.table: [columns]} of everything in the database. #}
{% macro tables_present() -%}
    {%- set tables = {} -%}
    {%- for row in run_query("
        select
            format('%I.%I', nspname, relname),
            array_agg(attname::text)
        from pg_class
        inner join pg_namespace on pg_namespace.oid = relnamespace
        inner join pg_attribute on attrelid = pg_class.oid
        where relkind in ('r', 'p', 'f', 'v', 'm') and attnum > 0
            and not attisdropped and nspname not like 'pg\\_%'
        group by nspname, relname
    ") -%}
        {%- do tables.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- do return(tables) -%}
{%- endmacro %}

{% macro _check_capture(source, present) -%}
    {%- set where = " Mend it in " ~ source.original_file_path ~ "." -%}
    {%- set capture = source.config.meta.get('capture') -%}
    {%- if capture is not mapping -%}
        {%- do exceptions.raise_compiler_error(
            "Source " ~ source_relation(source) ~ " declares no meta.capture,"
            ~ " so its changes would go unnoticed; say whose its rows are and"
            ~ " when: capture: {tenant: …, at: […]}." ~ where
        ) -%}
    {%- endif -%}
    {%- for name in source.columns if name not in present -%}
        {%- do exceptions.raise_compiler_error(
            "Source table " ~ source_relation(source) ~ " has no column "
            ~ name ~ "." ~ where
        ) -%}
    {%- endfor -%}
    {%- for moments in _touched(capture) -%}
        {%- for name in moments
            if is_column_name(name) and name not in source.columns
            and name != 'null' -%}
            {%- do exceptions.raise_compiler_error(
                "Source " ~ source_relation(source) ~ ": meta.capture names "
                ~ name ~ ", which is not among its columns." ~ where
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
