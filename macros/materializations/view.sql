{# dbt's own view is renamed over the old one and drops it with all that reads
   it; here it is replaced in place, and only where its SQL or what the database
   made of it has changed: to replace a view waits for its readers. `--empty`,
   whose SQL reads nothing, leaves it, for refreshes read it. #}
{% materialization view, adapter='postgres' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set relation = this.incorporate(type='view') -%}
    {%- set name = relation.include(database=false) | string -%}
    {%- set compiled = local_md5(sql) -%}

    {%- do check_model_sources() -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing is not none and not existing.is_view -%}
        {%- do adapter.drop_relation(existing) -%}
        {%- set existing = none -%}
    {%- endif -%}

    {% call statement('main') -%}
        {%- if existing is not none
            and (flags.EMPTY or _is_as_built(name, compiled)) %}
        select 'left as it is'
        {%- else %}
        do $replace$
        begin
            create or replace view {{ relation }} as {{ sql }};
        exception when invalid_table_definition then
            perform orchestrator.drop_view('{{ name }}');
            create view {{ relation }} as {{ sql }};
            perform orchestrator.restore_readers();
        end
        $replace$;
        insert into orchestrator.views (relation, compiled, definition)
        values (
            '{{ name }}', '{{ compiled }}', md5(pg_get_viewdef('{{ name }}'::regclass))
        )
        on conflict (relation) do update set
            compiled = excluded.compiled, definition = excluded.definition;
        {%- endif %}
    {%- endcall %}

    {%- do apply_grants(relation, config.get('grants'), should_revoke=true) -%}
    {%- do persist_docs(relation, model) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

{% macro _is_as_built(view, compiled) -%}
    {%- do return(run_query("
        select exists (
            select from orchestrator.views
            where
                relation = '" ~ view ~ "'
                and compiled = '" ~ compiled ~ "'
                and definition = md5(pg_get_viewdef(to_regclass(relation)))
        )
    ")[0][0]) -%}
{%- endmacro %}
