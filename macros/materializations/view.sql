{# dbt's own view is renamed over the old one and drops it with all that reads
   it; here it is replaced in place, so that refreshes go on meanwhile. Only
   where its columns changed is it made anew; and `--empty`, whose SQL reads nothing,
   leaves it, for refreshes read it. #}
{% materialization view, adapter='postgres' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set relation = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing is not none and not existing.is_view -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}

    {% call statement('main') -%}
        {%- if existing is not none and flags.EMPTY %}
        select 'left as it is'
        {%- else %}
        do $replace$
        begin
            create or replace view {{ relation }} as {{ sql }};
        exception when invalid_table_definition then
            drop view {{ relation }} cascade;
            create view {{ relation }} as {{ sql }};
        end
        $replace$;
        {%- endif %}
    {%- endcall %}

    {%- do apply_grants(relation, config.get('grants'), should_revoke=true) -%}
    {%- do persist_docs(relation, model) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [relation]}) }}
{% endmaterialization %}
