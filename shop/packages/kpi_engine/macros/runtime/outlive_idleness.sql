{# Before a model is built, or a run prepared: a session that waits in a transaction while
   dbt works is not to be ended for that. #}
{% macro outlive_idleness() -%}
    {%- if execute -%}
        {%- do run_query("
            select set_config(name, '0', false)
            from pg_settings
            where
                name = 'idle_in_transaction_session_timeout'
                and setting <> '0'
        ") -%}
    {%- endif -%}
{%- endmacro %}
