{# Before a model is built, or a run prepared. A session that waits in a transaction while
   dbt works is not to be ended for that; but one that holds a table's lock and sends
   nothing for ten minutes is, and one whose host is gone within two. #}
{% macro configure_session(idle='0') -%}
    {%- if execute -%}
        {%- do run_query("
            select set_config(name, wanted.setting, false)
            from (
                values
                ('idle_in_transaction_session_timeout', '" ~ idle ~ "'),
                ('tcp_keepalives_idle', '60'),
                ('tcp_keepalives_interval', '10'),
                ('tcp_keepalives_count', '6'),
                ('tcp_user_timeout', '120000'),
                ('client_connection_check_interval', '10000')
            ) as wanted (name, setting)
            where
                name <> 'client_connection_check_interval'
                or version() !~ 'Visual C|mingw'
        ") -%}
    {%- endif -%}
{%- endmacro %}
