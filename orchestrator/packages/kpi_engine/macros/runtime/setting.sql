{# A var of the engine, as the project sets it or as the engine has it. #}
{% macro setting(name) -%}
    {%- do return(var(name, {
        'periods_per_transaction': 2000,
        'duty_cycle': 0.5,
        'earliest_date': '1900-01-01',
        'history_retention': '90 days',
        'published_schema': 'analytics',
        'runtime_schema': 'orchestrator',
        'production_targets': [],
        'publication': 'powersync',
        'trusted_roles': [
            'authenticator', 'postgres', 'dashboard_user', 'supabase_admin',
            'supabase_auth_admin', 'supabase_etl_admin',
            'supabase_functions_admin', 'supabase_privileged_role',
            'supabase_read_only_user', 'supabase_realtime_admin',
            'supabase_replication_admin', 'supabase_storage_admin',
        ],
    }[name])) -%}
{%- endmacro %}
