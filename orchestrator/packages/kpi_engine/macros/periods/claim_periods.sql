{# Pre-hook of a summary table: note its run, and claim what dbt itself computes.
   That is every period of a table that a full refresh rebuilds; else none, for it is
   refreshed once it is there: see publish. #}
{% macro claim_periods() -%}
    {%- if execute and kpi_engine.is_summary(model) -%}
        {%- do kpi_engine.configure_session(idle='10min') -%}
        {%- do kpi_engine.check_model_sources() -%}
        {%- if model.config.meta.get('tenant') -%}
            {%- do kpi_engine._check_calendar() -%}
        {%- endif -%}
        -- Committed at once, so that a run that dies has left its row. The
        -- driver goes on as if in a transaction, so there must be one.
        insert into {{ kpi_engine.runtime_schema() }}.job_runs (job, executor, invocation)
        values ('{{ model.name }}', 'dbt', '{{ invocation_id }}');
        commit;
        begin;
        {{ kpi_engine.make_periods_table() }}
        {%- set is_rebuilt = flags.FULL_REFRESH and load_relation(this) is not none -%}
        {%- if is_rebuilt %}
            {%- do kpi_engine._check_full_refresh() %}
        {{ kpi_engine.claim_function() }}
        {%- endif %}
        {%- if is_rebuilt or flags.EMPTY %}
        with claimed as materialized (
            select {{ kpi_engine.runtime_schema() }}.begin_refresh(
                p_model => '{{ model.name }}',
                p_executor => 'dbt',
                p_scope => '{{ 'everything' if is_rebuilt else 'nothing' }}',
                {%- if is_rebuilt %}
                p_definition => {{ kpi_engine.model_definition() }},
                {%- endif %}
                p_invocation => '{{ invocation_id }}'
            ) as requests
        )

        select
            {%- if is_rebuilt %}
            set_config(
                '{{ kpi_engine.runtime_schema() }}.periods',
                {{ kpi_engine.claim_function_name().split('(')[0] }}(requests)::text,
                true
            )
            {%- else %}
            requests
            {%- endif %}
        from claimed;
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# The calendar's tenants have ids of the type that the summary table declares. #}
{% macro _check_calendar() -%}
    {%- set summary = kpi_engine.summary_config(model) -%}
    {%- set calendar = kpi_engine.calendar_of(model) -%}
    {%- for row in run_query("
        select format_type(atttypid, null)
        from pg_attribute
        where
            attrelid = to_regclass(" ~ kpi_engine.literal(calendar | string) ~ ")
            and attname = " ~ kpi_engine.literal(summary.tenant_name) ~ "
            and not " ~ kpi_engine.runtime_schema() ~ ".is_of_type(
                atttypid, " ~ kpi_engine.literal(summary.tenant_type) ~ "
            )
    ") -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ " declares " ~ summary.tenant_name ~ " as "
            ~ summary.tenant_type ~ ", and in its calendar " ~ calendar ~ " it is "
            ~ row[0] ~ ". Fix it in " ~ kpi_engine.properties_path(model) ~ "."
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{# dbt drops the old table with what hangs on it: of the project's own views it makes
   those that are selected again, of what is others' nothing. #}
{% macro _check_full_refresh() -%}
    {%- for node in graph.nodes.values()
        if model.unique_id in node.depends_on.nodes
        and node.config.materialized == 'view'
        and node.unique_id not in selected_resources
    -%}
        {%- do exceptions.raise_compiler_error(
            "A full refresh of " ~ model.name ~ " drops the view " ~ node.name
            ~ ", which reads it. Select both: --select " ~ model.name ~ "+"
        ) -%}
    {%- endfor -%}
    {%- set views = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.config.materialized == 'view' -%}
        {%- do views.append(kpi_engine.literal(kpi_engine.relation_of(node))) -%}
    {%- endfor -%}
    {%- set hung = run_query("
        select " ~ kpi_engine.runtime_schema() ~ ".hung_on(
            " ~ kpi_engine.literal(model.name) ~ ", array[" ~ views | join(', ') ~ "]::text []
        )
    ").columns[0].values() -%}
    {%- if hung -%}
        {%- do exceptions.raise_compiler_error(
            "A full refresh makes a new table, and with the old " ~ model.name
            ~ " would go what is not this project's: " ~ hung | join(', ')
            ~ ". To compute every row in its place: orchestrator rebuild "
            ~ model.name ~ ". For a new table all the same, drop these first."
        ) -%}
    {%- endif -%}
{%- endmacro %}
