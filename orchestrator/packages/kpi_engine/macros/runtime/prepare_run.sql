{# On-run-start, the one hook: check what this run needs, and bring into the
   database what the models share. Executed while the hook renders: dbt goes on to
   the models after a hook's SQL has failed, and stops at an error before it. What
   compiles alone renders hooks, too, and is to change nothing. #}
{% macro prepare_run() -%}
    {%- if execute and flags.WHICH not in ['compile', 'generate', 'show'] -%}
        {%- do kpi_engine.configure_session() -%}
        {%- do kpi_engine._complete_relation_cache() -%}
        {%- for step in kpi_engine.preparations().values() -%}
            {#- Two first runs may be at it, and the second finds it done. -#}
            {%- do kpi_engine.wait_for_lock("hashtext('orchestrator install')") -%}
            {%- set sql = step() -%}
            {%- if sql.strip() -%}
                {%- do run_query(sql) -%}
            {%- endif -%}
            {%- do run_query('commit; begin') -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# Take an advisory lock, until this transaction ends, and say so where another has
   it. #}
{% macro wait_for_lock(key) -%}
    {%- if not run_query("select pg_try_advisory_xact_lock(" ~ key ~ ")")[0][0] -%}
        {%- do log(
            "Another run is installing or building the same; waiting for it.",
            info=true
        ) -%}
        {%- do run_query("select pg_advisory_xact_lock(" ~ key ~ ")") -%}
    {%- endif -%}
{%- endmacro %}

{# {name: macro} of what prepares a run, in order. Each returns SQL that ends its
   transaction, or none where there is nothing to do; each sees what the ones
   before it have done. #}
{% macro preparations() -%}
    {%- do return({
        'check_target': kpi_engine.check_target,
        'check_sources': kpi_engine.check_sources,
        'install_runtime': kpi_engine.install_runtime,
        'declare_models': kpi_engine.declare_models,
        'declare_sources': kpi_engine.declare_sources,
        'install_functions': kpi_engine.install_functions,
        'declare_access': kpi_engine.declare_access,
        'capture_changes': kpi_engine.capture_changes,
    }) -%}
{%- endmacro %}

{# With --no-populate-cache, dbt asks for a schema's relations as a model needs
   them, and counts the schema as known from the first one it notes: another
   thread would take the others for missing. #}
{% macro _complete_relation_cache() -%}
    {%- if not flags.POPULATE_CACHE -%}
        {%- for name in graph.nodes.values()
            | selectattr('resource_type', 'equalto', 'model')
            | map(attribute='schema') | unique -%}
            {%- do adapter.get_relation(target.database, name, 'any') -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
