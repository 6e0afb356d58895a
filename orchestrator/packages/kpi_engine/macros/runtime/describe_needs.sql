{# `dbt run-operation`, for `orchestrator doctor`: tells the log what the project
   needs of a database, of which it asks nothing itself. #}
{% macro describe_needs() -%}
    {%- set sources = {} -%}
    {%- set tables = [] -%}
    {%- set replicated = [] -%}
    {%- for node in graph.nodes.values() if kpi_engine.is_summary(node) -%}
        {%- do tables.append(kpi_engine.relation_of(node) | string | replace('"', '')) -%}
        {%- if node.config.meta.get('replicated') -%}
            {%- do replicated.append(node.name) -%}
        {%- endif -%}
        {%- set members = (node.config.meta.get('access') or {}).get('members') -%}
        {%- for source in graph.sources.values() if members
            and source.source_name ~ '.' ~ source.name == members.source -%}
            {%- do sources.setdefault(source.unique_id, kpi_engine._needed(source, false)) -%}
        {%- endfor -%}
        {%- for source in kpi_engine.lineage_of(node).sources -%}
            {%- do sources.update({source.unique_id: kpi_engine._needed(source, true)}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set calendars = {} -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.config.meta.get('calendar') -%}
        {%- do calendars.update({
            kpi_engine.relation_of(node) | string: kpi_engine.rows_before_first_day(node)
        }) -%}
    {%- endfor -%}
    {%- do log('orchestrator needs ' ~ tojson({
        'sources': sources.values() | list,
        'tables': tables,
        'calendars': calendars,
        'publication': kpi_engine.setting('publication') if replicated else none,
    })) -%}
{%- endmacro %}

{# A source table as its YAML has it. `tenant` and `moment` are the columns that a
   refresh finds its rows by; null where that takes more than a column. Who may
   read is looked up when they do, so that no change of it needs to be captured. #}
{% macro _needed(source, is_summed_up) -%}
    {%- set capture = source.config.meta.get('capture') or {} -%}
    {%- set tenants = capture.get('tenant') or [] -%}
    {%- set tenants = tenants.values() | list if tenants is mapping
        else [tenants] if tenants is string else [] -%}
    {%- set affected = kpi_engine._affected(capture) -%}
    {%- set moment = affected[0][0] if affected else none -%}
    {%- do return({
        'schema_name': source.schema,
        'table_name': source.identifier,
        'path': source.original_file_path,
        'columns': source.columns | list,
        'captured': is_summed_up and not capture.get('lookback'),
        'tenants': tenants | select('in', source.columns) | list,
        'is_everybodys': tenants == [],
        'moment': moment if moment in source.columns else none,
    }) -%}
{%- endmacro %}
