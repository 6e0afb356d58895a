{# On-run-start, first: refuse a connection, or options of dbt, with which this
   project's promises cannot hold. #}
{% macro check_target() -%}
    {%- if flags.FULL_REFRESH and (
        flags.EMPTY or invocation_args_dict.get('sample') is not none
    ) -%}
        {%- do exceptions.raise_compiler_error(
            "A full refresh would replace every row by those of --empty or"
            ~ " --sample. Leave out either."
        ) -%}
    {%- endif -%}
    {%- if target.get('autocommit') -%}
        {%- do exceptions.raise_compiler_error(
            "The profile sets `autocommit: true`, which undoes the transaction"
            ~ " that a refresh is. Remove it from profiles.yml."
        ) -%}
    {%- endif -%}
    {%- if target.port == 6543 -%}
        {%- do exceptions.raise_compiler_error(
            "Port 6543 is a transaction pooler's, which hands each transaction"
            ~ " to another session. Use the session pooler, port 5432 of the"
            ~ " same host, or connect to the database directly."
        ) -%}
    {%- endif -%}
    {%- do kpi_engine._check_schemas() -%}
    {%- set version = execute and run_query(
        "select current_setting('server_version_num')::integer / 10000,"
        ~ " current_setting('server_version')"
    )[0] -%}
    {%- if execute and version[0] < 15 -%}
        {%- do exceptions.raise_compiler_error(
            "This database is PostgreSQL " ~ version[1] ~ "; kpi_engine"
            ~ " needs 15 or newer. Upgrade the server, or point the profile"
            ~ " at another."
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# The schemas of a target are its own, and have names that need no quotes. #}
{% macro _check_schemas() -%}
    {%- set schemas = [kpi_engine.published_schema(), kpi_engine.runtime_schema()] -%}
    {%- for schema in schemas
        if not modules.re.match('^[a-z_][a-z0-9_]{0,43}$', schema) -%}
        {%- do exceptions.raise_compiler_error(
            "The target " ~ target.name ~ " would build into the schema "
            ~ tojson(schema) ~ ". Give it a name of small letters, digits and _, of at"
            ~ " most 44, in profiles.yml."
        ) -%}
    {%- endfor -%}
    {%- if schemas[0] == schemas[1] -%}
        {%- do exceptions.raise_compiler_error(
            "The project's generate_schema_name puts what is published and what is"
            ~ " internal into the schema " ~ schemas[0] ~ ". Have it give each of "
            ~ kpi_engine.setting('published_schema') ~ " and "
            ~ kpi_engine.setting('runtime_schema') ~ " one of its own, as"
            ~ " kpi_engine.schema_name does."
        ) -%}
    {%- endif -%}
    {%- for source in graph.sources.values()
        if execute and source.schema in schemas -%}
        {%- do exceptions.raise_compiler_error(
            "The target " ~ target.name ~ " would build into the schema "
            ~ source.schema ~ ", where the source " ~ source.source_name ~ "."
            ~ source.name ~ " is. Give the target a schema of its own in profiles.yml;"
            ~ " where it is production, name it in the var production_targets, or give"
            ~ " the summary tables another schema by the var published_schema."
        ) -%}
    {%- endfor -%}
    {%- if execute and not kpi_engine.is_production() -%}
        {%- do log(
            "The target " ~ target.name ~ " is for development: summary tables are"
            ~ " built in the schema " ~ schemas[0] ~ ", every period each time, and"
            ~ " nothing else is touched.",
            info=true
        ) -%}
    {%- endif -%}
{%- endmacro %}
