{# On-run-start: tell the database what the project's models declare. #}
{% macro declare_models() -%}
    {%- if execute -%}
        {%- set declared = [] -%}
        {%- for node in graph.nodes.values() if is_summary(node) -%}
            {%- set summary = summary_config(node) -%}
            {%- set lineage = lineage_of(node) -%}
            {%- do _check_cadence(node, summary.cadence) -%}
            {%- set sources = [] -%}
            {%- set lookbacks = [] -%}
            {%- for source in lineage.sources -%}
                {%- do sources.append(source_relation(source)) -%}
                {%- set capture = source.config.meta.get('capture') or {} -%}
                {%- if capture.get('lookback') -%}
                    {%- do lookbacks.append(capture.lookback) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- do declared.append({
                'model': node.name,
                'relation': relation_of(node) | string,
                'calendar': calendar_of(node) | string,
                'tenant': summary.tenant,
                'cadence': summary.cadence,
                'upstream': lineage.upstream,
                'sources': sources | sort,
                'lookbacks': lookbacks,
            }) -%}
        {%- endfor -%}
        with declared as (
            select
                model,
                relation,
                calendar,
                tenant,
                cadence,
                upstream,
                sources,
                (
                    select max(lookback::interval)
                    from unnest(lookbacks) as lookback
                ) as lookback
            from jsonb_to_recordset(
                '{{ tojson(declared) | replace("'", "''") }}'
            ) as models (
                model text,
                relation text,
                calendar text,
                tenant text,
                cadence jsonb,
                upstream text [],
                sources text [],
                lookbacks text []
            )
        ),

        gone as (
            delete from orchestrator.models
            where model not in (select declared.model from declared)
            returning model
        ),

        forgotten as (
            delete from orchestrator.refresh_queue
            where model in (select gone.model from gone)
        )

        insert into orchestrator.models as models (
            model, relation, calendar, tenant, cadence, upstream, sources,
            lookback
        )
        select * from declared
        on conflict (model) do update set
            relation = excluded.relation,
            calendar = excluded.calendar,
            tenant = excluded.tenant,
            cadence = excluded.cadence,
            upstream = excluded.upstream,
            sources = excluded.sources,
            lookback = excluded.lookback
        where
            row(
                models.relation, models.calendar, models.tenant,
                models.cadence, models.upstream, models.sources,
                models.lookback
            ) is distinct from row(
                excluded.relation, excluded.calendar, excluded.tenant,
                excluded.cadence, excluded.upstream, excluded.sources,
                excluded.lookback
            );
        commit;
        begin;
    {%- endif -%}
{%- endmacro %}

{% macro _check_cadence(node, cadence) -%}
    {%- set json = tojson(cadence) | replace("'", "''") -%}
    {%- set error = run_query(
        "select orchestrator.cadence_error('" ~ json ~ "'::jsonb)"
    )[0][0] -%}
    {%- if error -%}
        {%- do exceptions.raise_compiler_error(
            node.name ~ ": meta.cadence " ~ error ~ ". Mend it in "
            ~ properties_path(node) ~ "."
        ) -%}
    {%- endif -%}
{%- endmacro %}
