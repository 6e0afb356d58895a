{# On-run-start, before anything is written: every source that summary tables of this
   run need (of an operation, which selects nothing: all summary tables) says what a change of its rows touches,
   and some of their tables are there. A table or a column that is missing fails
   the models that read it: see check_model_sources. #}
{% macro check_sources() -%}
    {%- if execute -%}
        {%- set tables = kpi_engine.tables_present() -%}
        {%- set needed = {} -%}
        {%- set ids = graph.nodes if flags.WHICH == 'run-operation'
            else selected_resources -%}
        {%- for id in ids if id in graph.nodes
            and kpi_engine.is_summary(graph.nodes[id]) -%}
            {%- for source in kpi_engine.lineage_of(graph.nodes[id]).sources -%}
                {%- do needed.update({kpi_engine.source_relation(source): source}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for source in needed.values() -%}
            {%- do kpi_engine._check_capture(source) -%}
        {%- endfor -%}
        {%- if needed and not needed | select('in', tables.keys()) | list -%}
            {%- do exceptions.raise_compiler_error(
                kpi_engine._no_source_table(needed | sort)
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Before a model is built: the source tables that it reads itself are there, with
   the columns that sources.yml names. #}
{% macro check_model_sources() -%}
    {%- for id in model.depends_on.nodes if execute and id in graph.sources -%}
        {%- set source = graph.sources[id] -%}
        {%- set relation = kpi_engine.source_relation(source) -%}
        {%- set fault = kpi_engine.source_fault(source, kpi_engine.tables_present(relation).get(relation)) -%}
        {%- if fault -%}
            {%- do exceptions.raise_database_error(fault) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{# What of a source the database lacks, as a sentence; none where nothing.
   `table` is as tables_present has it; none: there is no table. #}
{% macro source_fault(source, table) -%}
    {%- set relation = kpi_engine.source_relation(source) -%}
    {%- if not table -%}
        {%- do return(kpi_engine._no_source_table([relation])) -%}
    {%- endif -%}
    {%- set capture = source.config.meta.get('capture') or {} -%}
    {%- set needed = source.columns | list + [capture.get('version', 'xmin')] -%}
    {%- set missing = needed | reject('in', table.columns + ['xmin']) | list -%}
    {%- set is_table = table.kind in ['r', 'p'] -%}
    {%- if missing -%}
        {%- do return(
            "Source table " ~ relation ~ " has no column "
            ~ missing | unique | join(", ") ~ kpi_engine._fix_source(source)
        ) -%}
    {%- elif capture and not is_table and kpi_engine.capture_by(source) == 'triggers' -%}
        {%- do return(
            relation ~ " is no table, so that triggers cannot see its changes."
            ~ " Declare capture: {lookback: 3 days}, or {version: a column that"
            ~ " says when a row was changed}, in " ~ source.original_file_path ~ "."
        ) -%}
    {%- elif not is_table and capture.get('version') == 'xmin' -%}
        {%- do return(
            relation ~ " is no table of this database, so that its rows have no xmin."
            ~ " Declare capture: {version: a column that says when a row was changed},"
            ~ " in " ~ source.original_file_path ~ "."
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro _no_source_table(relations) -%}
    {%- do return(
        "There is no source table " ~ relations | join(", ")
        ~ ". Create it, correct where sources.yml says it is, or disable the models"
        ~ " that read it."
    ) -%}
{%- endmacro %}

{% macro _fix_source(source) -%}
    {%- do return(". Fix it in " ~ source.original_file_path ~ ".") -%}
{%- endmacro %}

{# {schema.table: {kind, columns, incomparable}} of everything in the database, or of
   one relation: the kind as in pg_class.relkind, the names of the columns, and
   those of a type that has no equality. #}
{% macro tables_present(relation=none) -%}
    {%- set tables = {} -%}
    {%- for row in run_query("
        select
            nspname,
            relname,
            relkind,
            to_jsonb(array_agg(attname))::text as columns,
            to_jsonb(coalesce(array_agg(attname) filter (
                where format_type(atttypid, null)
                ~ '^(json|xml|point|line|lseg|box|path|polygon|circle)(\\[\\])?$'
            ), '{}'))::text as incomparable
        from pg_class
        inner join pg_namespace on pg_namespace.oid = relnamespace
        inner join pg_attribute on attrelid = pg_class.oid
        where relkind in ('r', 'p', 'f', 'v', 'm') and attnum > 0
            and not attisdropped and nspname not like 'pg\\_%'
            and nspname <> 'information_schema'"
        ~ (" and pg_class.oid = to_regclass(" ~ kpi_engine.literal(relation) ~ ")"
            if relation else "") ~ "
        group by nspname, relname, relkind
    ") -%}
        {%- do tables.update({kpi_engine.relation_name(row[0], row[1]): {
            'kind': row[2],
            'columns': fromjson(row[3]),
            'incomparable': fromjson(row[4]),
        }}) -%}
    {%- endfor -%}
    {%- do return(tables) -%}
{%- endmacro %}

{# How changes of a source's rows are noticed: by triggers, by a lookback that computes
   its last days again, or by a version that its rows have. #}
{% macro capture_by(source) -%}
    {%- set capture = source.config.meta.get('capture') or {} -%}
    {%- do return(
        'lookback' if capture.get('lookback') or not kpi_engine.is_production()
        else 'version' if capture.get('version')
        else 'triggers'
    ) -%}
{%- endmacro %}

{% macro _check_capture(source) -%}
    {%- set capture = source.config.meta.get('capture') -%}
    {%- set relation = kpi_engine.source_relation(source) -%}
    {%- if capture is not mapping -%}
        {%- do exceptions.raise_compiler_error(
            "Source " ~ relation ~ " declares no meta.capture,"
            ~ " so its changes would go unnoticed; say whose its rows are and"
            ~ " when: capture: {tenant: …, at: […]}" ~ kpi_engine._fix_source(source)
        ) -%}
    {%- endif -%}
    {%- set known = [
        'tenant', 'at', 'span', 'from', 'lookback', 'version', 'overlap', 'replicated'
    ] -%}
    {%- for name in capture if name not in known -%}
        {%- do exceptions.raise_compiler_error(
            "Source " ~ relation ~ ": meta.capture has " ~ name
            ~ ", which means nothing here" ~ kpi_engine._fix_source(source)
        ) -%}
    {%- endfor -%}
    {%- if [capture.get('lookback'), capture.get('version'),
        capture.get('replicated')] | select | list | length > 1 -%}
        {%- do exceptions.raise_compiler_error(
            "Source " ~ relation ~ ": meta.capture may have one of lookback, version"
            ~ " and replicated" ~ kpi_engine._fix_source(source)
        ) -%}
    {%- endif -%}
    {%- for moments in kpi_engine._affected(capture) -%}
        {%- for name in moments
            if kpi_engine.is_column_name(name) and name not in source.columns
            and name != 'null' -%}
            {%- do exceptions.raise_compiler_error(
                "Source " ~ relation ~ ": meta.capture names "
                ~ name ~ ", which is not among its columns"
                ~ kpi_engine._fix_source(source)
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
