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
