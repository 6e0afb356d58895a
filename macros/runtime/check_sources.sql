{# Of `sources`, the tables that are absent. An error where one of them is
   needed by what this run selects, or declares no capture. #}
{% macro check_sources(sources) -%}
    {%- set missing = [] -%}
    {%- set needed = [] -%}
    {%- for id in selected_resources if id in graph.nodes -%}
        {%- do needed.extend(
            lineage_of(graph.nodes[id]).sources | map(attribute='unique_id')
        ) -%}
    {%- endfor -%}
    {%- set present = [] -%}
    {%- for row in run_query("
        select format('%I.%I', nspname, relname)
        from pg_class
        inner join pg_namespace on pg_namespace.oid = relnamespace
        where relkind in ('r', 'p', 'f', 'v', 'm')
    ") -%}
        {%- do present.append(row[0]) -%}
    {%- endfor -%}
    {%- set absent = [] -%}
    {%- for source in sources -%}
        {%- set relation = source_relation(source) -%}
        {%- if source.config.meta.get('capture') is not mapping -%}
            {%- do exceptions.raise_compiler_error(
                "Source " ~ source.source_name ~ "." ~ source.name
                ~ " declares no meta.capture, so its changes would go"
                ~ " unnoticed. Say in " ~ source.original_file_path
                ~ " whose its rows are and when: capture: {tenant: …, at: […]}."
            ) -%}
        {%- elif relation not in present -%}
            {%- do absent.append(relation) -%}
            {%- if source.unique_id in needed -%}
                {%- do missing.append(relation) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if missing -%}
        {%- do exceptions.raise_compiler_error(
            "There is no source table " ~ (missing | unique | sort | join(', '))
            ~ ". Create it, set the domain's schema var, or leave its domain"
            ~ " out of the var `domains`."
        ) -%}
    {%- endif -%}
    {%- do return(absent) -%}
{%- endmacro %}
