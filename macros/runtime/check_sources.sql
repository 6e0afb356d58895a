{# On-run-start, before anything is written: every source that this run needs (an
   operation, which selects nothing: all) says what a change of its rows touches,
   and some of their tables are there. A table or a column that is missing fails
   the models that read it: see check_model_sources. #}
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
        {%- for source in needed.values() -%}
            {%- do _check_capture(source) -%}
        {%- endfor -%}
        {%- if needed and not needed | select('in', tables) | list -%}
            {%- do exceptions.raise_compiler_error(
                _no_source_table(needed | sort)
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Before a model is built: the source tables that it reads itself are there, with
   the columns that sources.yml names. #}
{% macro check_model_sources() -%}
    {%- for id in model.depends_on.nodes if execute and id in graph.sources -%}
        {%- set source = graph.sources[id] -%}
        {%- set present = run_query("
            select attname
            from pg_attribute
            where
                attrelid = to_regclass('"
            ~ source_relation(source) | replace("'", "''") ~ "')
                and attnum > 0
                and not attisdropped
        ").columns[0].values() | list -%}
        {%- set fault = source_fault(source, present) -%}
        {%- if fault -%}
            {%- do exceptions.raise_database_error(fault) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{# What of a source the database lacks, as a sentence; none where nothing.
   `present` are the columns of its table; none or empty: there is no table. #}
{% macro source_fault(source, present) -%}
    {%- set relation = source_relation(source) -%}
    {%- if not present -%}
        {%- do return(_no_source_table([relation])) -%}
    {%- endif -%}
    {%- set missing = source.columns | reject('in', present) | list -%}
    {%- if missing -%}
        {%- do return(
            "Source table " ~ relation ~ " has no column "
            ~ missing | join(", ") ~ _fix_source(source)
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro _no_source_table(relations) -%}
    {%- do return(
        "There is no source table " ~ relations | join(", ")
        ~ ". Create it, set the domain's schema var, or leave its domain out of"
        ~ " the var `domains`."
    ) -%}
{%- endmacro %}

{% macro _fix_source(source) -%}
    {%- do return(". Fix it in " ~ source.original_file_path ~ ".") -%}
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

{% macro _check_capture(source) -%}
    {%- set capture = source.config.meta.get('capture') -%}
    {%- if capture is not mapping -%}
        {%- do exceptions.raise_compiler_error(
            "Source " ~ source_relation(source) ~ " declares no meta.capture,"
            ~ " so its changes would go unnoticed; say whose its rows are and"
            ~ " when: capture: {tenant: …, at: […]}" ~ _fix_source(source)
        ) -%}
    {%- endif -%}
    {%- for moments in _touched(capture) -%}
        {%- for name in moments
            if is_column_name(name) and name not in source.columns
            and name != 'null' -%}
            {%- do exceptions.raise_compiler_error(
                "Source " ~ source_relation(source) ~ ": meta.capture names "
                ~ name ~ ", which is not among its columns"
                ~ _fix_source(source)
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
