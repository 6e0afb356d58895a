{# dbt's own view is renamed over the old one and drops it with all that reads
   it; here it is replaced in place, and only where its SQL or what the database
   made of it has changed: to replace a view waits for its readers. `--empty`,
   whose SQL reads nothing, leaves it, for refreshes read it.
   One that reads source tables does so through a function, whose text PostgreSQL
   looks at as it runs: no view then keeps the application from changing its table.
   It is no slower, as PostgreSQL puts such a function's query in its place. #}
{% materialization view, adapter='postgres' %}
    {#- Others' are dbt's affair. -#}
    {%- if model.schema != kpi_engine.runtime_schema() -%}
        {{ return(dbt.materialization_view_default()) }}
    {%- endif -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set relation = this.incorporate(type='view') -%}
    {%- set name = relation.include(database=false) | string -%}
    {%- set function = kpi_engine._reading_function(model) if kpi_engine._reads_sources(model) -%}
    {%- set compiled = local_md5(sql ~ function) -%}

    {%- do kpi_engine.configure_session() -%}
    {%- do kpi_engine.check_model_sources() -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing is not none and not existing.is_view -%}
        {%- do adapter.drop_relation(existing) -%}
        {%- set existing = none -%}
    {%- endif -%}

    {% call statement('main') -%}
        {%- if existing is not none
            and (flags.EMPTY or kpi_engine._is_as_built(name, compiled)) %}
        select 'left as it is'
        {%- else %}
        select {{ kpi_engine.runtime_schema() }}.replace_view(
            {{ kpi_engine.literal(name) }},
            {{ kpi_engine.literal(kpi_engine.without_database(sql)) }},
            {{ kpi_engine.literal(function) if function else 'null' }}
        );
        insert into {{ kpi_engine.runtime_schema() }}.views (relation, compiled, definition)
        values (
            {{ kpi_engine.literal(name) }}, '{{ compiled }}',
            {{ kpi_engine.runtime_schema() }}.view_definition({{ kpi_engine.literal(name) }})
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
            select from " ~ kpi_engine.runtime_schema() ~ ".views
            where
                relation = " ~ kpi_engine.literal(view) ~ "
                and compiled = '" ~ compiled ~ "'
                and definition = " ~ kpi_engine.runtime_schema() ~ ".view_definition(relation)
        )
    ")[0][0]) -%}
{%- endmacro %}

{% macro _reads_sources(model) -%}
    {%- do return(model.depends_on.nodes | select('in', graph.sources) | list != []) -%}
{%- endmacro %}

{% macro _reading_function(model) -%}
    {%- do return(
        kpi_engine.runtime_schema() ~ '.'
        ~ adapter.quote(kpi_engine.fitting_name('read_' ~ model.name))
    ) -%}
{%- endmacro %}

{# SQL without the database's name, so that a copy of the database works, too. #}
{% macro without_database(sql) -%}
    {#- Of `database.schema.table`: a schema may have the database's name. -#}
    {%- set name = modules.re.escape(adapter.quote(target.database)) -%}
    {%- do return(
        modules.re.sub(name ~ '\\.(?="[^"]+"\\."[^"]+")', '', sql)
    ) -%}
{%- endmacro %}
