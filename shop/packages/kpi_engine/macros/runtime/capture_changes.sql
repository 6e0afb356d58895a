{# On-run-start: the functions and triggers that request what a change of a source
   row touches. Which models, lineage says; whose and when, the source's
   `meta.capture`. One that lacks a table or a column waits: the models that read it
   say so. One that was released waits for `orchestrator install`. #}
{% macro capture_changes() -%}
    {%- if execute -%}
        {%- set readers = kpi_engine.source_readers() -%}
        {%- set tables = kpi_engine.tables_present() -%}
        {%- set is_installation = flags.WHICH == 'run-operation' -%}
        {%- for row in run_query("
            select
                sources.relation,
                sources.capture_by,
                sources.installed,
                sources.released_at is not null as is_released,
                sources.capture_by = 'triggers' and (
                    sources.lost_since is not null
                    or sources.seen is distinct from now.state
                    or sources.seen ~* '[DR]'
                ) as is_to_see
            from " ~ kpi_engine.runtime_schema() ~ ".sources
            left join " ~ kpi_engine.runtime_schema() ~ ".source_states() as now
                on now.relation = sources.relation
            where sources.capture_by <> 'lookback'
            order by sources.relation
        ") -%}
            {%- set entry = readers.get(row['relation']) -%}
            {%- set table = tables.get(row['relation']) -%}
            {%- if entry and (is_installation or not row['is_released'])
                and not kpi_engine.source_fault(entry.source, table) -%}
                {{ kpi_engine._install_capture(entry.source, entry.models, table, row) }}
            {%- endif -%}
        {%- endfor -%}
        {%- if run_query(
            "select exists (select from " ~ kpi_engine.runtime_schema() ~ ".unused_captures())"
        )[0][0] %}
            select {{ kpi_engine.runtime_schema() }}.drop_unused_captures();
            commit;
            begin;
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _install_capture(source, models, table, present) -%}
    {%- set sql = kpi_engine.capture_functions(source, models, table.incomparable) -%}
    {%- set capture = local_md5(
        tojson([source.config.meta.capture, source.columns | list])
    ) -%}
    {%- set version = capture ~ ' ' ~ local_md5(sql) -%}
    {%- set installed = present['installed'] or '' -%}
    {%- set relation = kpi_engine.literal(kpi_engine.source_relation(source)) -%}
    {%- if installed != version or present['is_to_see'] or present['is_released'] %}
        select pg_advisory_xact_lock(hashtext('orchestrator install'));
        {%- if installed != version %}
        {{ sql }}
        update {{ kpi_engine.runtime_schema() }}.sources
        set installed = '{{ version }}'
        where relation = {{ relation }};
        {%- endif %}
        {%- if not installed.startswith(capture) %}
        -- What changed before these triggers were here is not known.
        select {{ kpi_engine.runtime_schema() }}.request_all(sources, 'capture of ' || relation)
        from {{ kpi_engine.runtime_schema() }}.sources
        where relation = {{ relation }};
        {%- endif %}
        {%- if present['is_released'] %}
        update {{ kpi_engine.runtime_schema() }}.sources
        set released_at = null, lost_since = released_at
        where relation = {{ relation }};
        {%- endif %}
        {%- if present['capture_by'] == 'triggers' %}
        select {{ kpi_engine.runtime_schema() }}.look_at_source({{ relation }}, true, true);
        {%- endif %}
        commit;
        begin;
    {%- endif -%}
{%- endmacro %}

{# {schema.table: {source, models}} of the sources that summary tables read, the models
   each as summary_config gives it. #}
{% macro source_readers() -%}
    {%- set readers = {} -%}
    {%- for node in graph.nodes.values() | sort(attribute='name') if kpi_engine.is_summary(node) -%}
        {%- for source in kpi_engine.lineage_of(node).sources -%}
            {%- set entry = readers.setdefault(
                kpi_engine.source_relation(source), {'source': source, 'models': []}
            ) -%}
            {%- do entry.models.append(kpi_engine.summary_config(node)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do return(readers) -%}
{%- endmacro %}
