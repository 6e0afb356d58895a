{# On-run-start, first: refuse a connection on which this project's promises
   cannot hold. #}
{% macro check_target() -%}
    {%- if target.get('autocommit') -%}
        {%- do exceptions.raise_compiler_error(
            "The profile sets `autocommit: true`, which undoes the transaction"
            ~ " that a refresh is. Remove it from profiles.yml."
        ) -%}
    {%- endif -%}
    {%- set version = execute and run_query(
        "select current_setting('server_version_num')::integer / 10000,"
        ~ " current_setting('server_version')"
    )[0] -%}
    {%- if execute and version[0] < 15 -%}
        {%- do exceptions.raise_compiler_error(
            "This database is PostgreSQL " ~ version[1] ~ "; kpi_summaries"
            ~ " needs 15 or newer. Upgrade the server, or point the profile"
            ~ " at another."
        ) -%}
    {%- endif -%}
{%- endmacro %}
