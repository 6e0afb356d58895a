{# On-run-start: tell the database what the project's models declare. #}
{% macro declare_models() -%}
    {%- if execute -%}
        {%- set columns = {
            'model': 'text',
            'relation': 'text',
            'calendar': 'text',
            'tenant': 'text',
            'tenant_type': 'text',
            'grain': 'text',
            'is_published': 'boolean',
            'cadence': 'jsonb',
            'jobs': 'text []',
            'functions': 'jsonb',
            'charts': 'jsonb',
            'upstream': 'text []',
            'sources': 'text []',
            'retention': 'interval',
            'lookbacks': 'text []',
            'foreign_keys': 'jsonb',
            'has_versions': 'boolean',
        } -%}
        {%- set names = columns | reject('eq', 'lookbacks') | list
            + ['lookback'] -%}
        {%- set nodes = [] -%}
        {%- for node in graph.nodes.values() if kpi_engine.is_summary(node) -%}
            {%- do nodes.append(node) -%}
        {%- endfor -%}
        {%- set declared = [] -%}
        {%- for node in nodes -%}
            {%- do declared.append(kpi_engine._declaration(node)) -%}
        {%- endfor -%}
        {%- set json = "'" ~ tojson(declared) | replace("'", "''") ~ "'" -%}
        {%- do kpi_engine._check_cadences(json, nodes) -%}
        {%- do kpi_engine._check_names(nodes) -%}
        with declared as (
            select {{ names | join(', ') }}
            from jsonb_to_recordset({{ json }}) as models (
                {%- for name, type in columns.items() %}
                {{ name }} {{ type }}{{ "," if not loop.last }}
                {%- endfor %}
            )
            cross join lateral (
                select max(each::interval) as lookback
                from unnest(models.lookbacks) as each
            ) as longest
        ),

        deleted as (
            delete from {{ kpi_engine.runtime_schema() }}.models
            where model not in (select declared.model from declared)
            returning model
        ),

        forgotten as (
            delete from {{ kpi_engine.runtime_schema() }}.refresh_queue
            where model in (select deleted.model from deleted)
        )

        insert into {{ kpi_engine.runtime_schema() }}.models as models ({{ names | join(', ') }})
        select {{ names | join(', ') }} from declared
        on conflict (model) do update set
            {%- for name in names if name != 'model' %}
            {{ name }} = excluded.{{ name }}{{ "," if not loop.last }}
            {%- endfor %}
        where
            ({{ kpi_engine._list('models', names) }})
            is distinct from ({{ kpi_engine._list('excluded', names) }});
        commit;
        begin;
    {%- endif -%}
{%- endmacro %}

{# The row of orchestrator.models that a summary table's YAML makes. #}
{% macro _declaration(node) -%}
    {%- set summary = kpi_engine.summary_config(node) -%}
    {%- set lineage = kpi_engine.lineage_of(node) -%}
    {%- set cadence = summary.cadence if summary.cadence is mapping else {} -%}
    {%- set is_published = node.schema != kpi_engine.runtime_schema() -%}
    {%- set sources = [] -%}
    {%- set lookbacks = [] -%}
    {%- set by = [] -%}
    {%- for source in lineage.sources -%}
        {%- do sources.append(kpi_engine.source_relation(source)) -%}
        {%- set capture = source.config.meta.get('capture') or {} -%}
        {%- do by.append(kpi_engine.capture_by(source)) -%}
        {%- if capture.get('lookback') -%}
            {%- do lookbacks.append(capture.lookback) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do kpi_engine._check_immediate(node, summary, lineage) -%}
    {%- set jobs = [cadence.get('job'), cadence.get('otherwise_job')]
        | select | list -%}
    {#- What nobody but other models reads is refreshed in their jobs. -#}
    {%- if not jobs and is_published -%}
        {%- do jobs.append('refresh-' ~ node.name) -%}
    {%- endif -%}
    {%- do return({
        'model': node.name,
        'relation': kpi_engine.relation_of(node) | string,
        'calendar': kpi_engine.calendar_of(node) | string,
        'tenant': summary.tenant_name,
        'tenant_type': summary.tenant_type,
        'grain': summary.grain,
        'is_published': is_published,
        'cadence': summary.cadence,
        'jobs': jobs,
        'functions': summary.functions,
        'charts': kpi_engine._charts(node, summary),
        'upstream': lineage.upstream,
        'sources': sources | sort,
        'retention': summary.retention,
        'lookbacks': lookbacks,
        'foreign_keys': kpi_engine.foreign_keys_of(node),
        'has_versions': 'version' in by,
    }) -%}
{%- endmacro %}

{% macro _check_immediate(node, summary, lineage) -%}
    {%- set read = lineage.sources | map(attribute='name') | sort -%}
    {%- for name in summary.immediate if name not in read -%}
        {%- do exceptions.raise_compiler_error(
            node.name ~ ": meta.immediate names " ~ name ~ ", which is none of the"
            ~ " source tables it reads: " ~ (read | join(', ')) ~ ". Fix it in "
            ~ kpi_engine.properties_path(node) ~ "."
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{# What a table's charts show, with the SQL of the period that each point is of. #}
{% macro _charts(node, summary) -%}
    {%- set charts = [] -%}
    {%- for chart in summary.charts -%}
        {%- set fault = kpi_engine._chart_fault(node, summary, chart) -%}
        {%- if fault -%}
            {%- do exceptions.raise_compiler_error(
                node.name ~ ": meta.charts " ~ fault ~ ". Fix it in "
                ~ kpi_engine.properties_path(node) ~ "."
            ) -%}
        {%- endif -%}
        {%- do charts.append({
            'title': chart.title,
            'unit': chart.get('unit'),
            'period': summary.expression,
            'column': chart.column,
            'combine': chart.get('combine', 'sum'),
        }) -%}
    {%- endfor -%}
    {%- do return(charts) -%}
{%- endmacro %}

{% macro _chart_fault(node, summary, chart) -%}
    {%- set known = ['title', 'unit', 'column', 'combine'] -%}
    {%- set ways = ['sum', 'avg', 'min', 'max'] -%}
    {%- if chart is not mapping or not chart.get('title') -%}
        {%- do return("has one without a title: " ~ tojson(chart)) -%}
    {%- elif chart | reject('in', known) | list -%}
        {%- do return("has " ~ chart | reject('in', known) | first
            ~ ", which means nothing here") -%}
    {%- elif chart.get('column') not in node.columns -%}
        {%- do return("names the column " ~ tojson(chart.get('column'))
            ~ ", which the table does not have") -%}
    {%- elif chart.get('combine', 'sum') not in ways -%}
        {%- do return("has combine " ~ tojson(chart.combine) ~ ", which must be "
            ~ ways | join(' or ')) -%}
    {%- elif summary.grain == 'all' -%}
        {%- do return("are of a table without periods") -%}
    {%- endif -%}
{%- endmacro %}

{# The names of functions and jobs that a table's name is part of have 63 bytes, and
   its lock is a hash of it. #}
{% macro _check_names(nodes) -%}
    {%- set names = nodes | map(attribute='name') | list -%}
    {%- for node in nodes if node.name.encode() | length > 55 -%}
        {%- do exceptions.raise_compiler_error(
            node.name ~ " has a name of more than 55 bytes, so that its functions and"
            ~ " jobs could have none of their own. Rename "
            ~ node.original_file_path ~ "."
        ) -%}
    {%- endfor -%}
    {%- for row in run_query("
        select string_agg(name, ' and ' order by name)
        from jsonb_array_elements_text(" ~ kpi_engine.literal(tojson(names)) ~ ") as name
        group by hashtext(name)
        having count(*) > 1
    ") -%}
        {%- do exceptions.raise_compiler_error(
            row[0] ~ " would share a lock: rename one of them."
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _check_cadences(declared, nodes) -%}
    {%- set paths = {} -%}
    {%- for node in nodes -%}
        {%- do paths.update({node.name: kpi_engine.properties_path(node)}) -%}
    {%- endfor -%}
    {%- for row in run_query("
        select model, " ~ kpi_engine.runtime_schema() ~ ".cadence_error(cadence) as error
        from jsonb_to_recordset(" ~ declared ~ ") as models (
            model text, cadence jsonb
        )
        where " ~ kpi_engine.runtime_schema() ~ ".cadence_error(cadence) is not null
        order by model
        limit 1
    ") -%}
        {%- do exceptions.raise_compiler_error(
            row[0] ~ ": meta.cadence " ~ row[1] ~ ". Fix it in "
            ~ paths[row[0]] ~ "."
        ) -%}
    {%- endfor -%}
{%- endmacro %}
