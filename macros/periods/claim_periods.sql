{# Pre-hook of a summary table: take the model's lock and its requests, and
   lay down the periods to compute. #}
{% macro claim_periods() -%}
    {%- if execute and is_summary(model) -%}
        {%- if flags.EMPTY or flags.SAMPLE -%}
            {%- set scope = 'nothing' -%}
        {%- else -%}
            {%- set scope = 'requested' if is_incremental() else 'everything' -%}
        {%- endif -%}
        -- Committed at once, so that a run that dies has left its row. The
        -- driver goes on as if in a transaction, so there must be one.
        insert into orchestrator.job_runs (job, executor, invocation)
        values ('{{ model.name }}', 'dbt', '{{ invocation_id }}');
        commit;
        begin;
        select orchestrator.begin_refresh(
            p_model => '{{ model.name }}',
            p_executor => 'dbt',
            p_scope => '{{ scope }}',
            p_definition => '{{ _definition() }}',
            p_invocation => '{{ invocation_id }}'
        );
        {{ _claim(exists=load_relation(this) is not none) }}
    {%- endif -%}
{%- endmacro %}

{# The statements that turn pg_temp.requests into pg_temp.claimed_periods. They
   run as they are in a pre-hook and in the body of the refresh function. #}
{% macro _claim(exists) -%}
    {%- set summary = summary_config(model) -%}
    {%- set calendar = calendar_of(model) -%}
    create temporary table claimed_periods on commit drop as
    {{ period_series(
        summary, calendar, 'pg_temp.requests', this if exists else none
    ) }};
    {% if exists -%}
    -- Rows whose period is no more (a tenant moved its time zone or its first
    -- day) are looked at where a whole tenant, or all, is asked for.
    insert into pg_temp.claimed_periods (
        {%- if summary.tenant %}{{ summary.tenant }}, {% endif -%}
        {{ summary.column }}
    )
    select distinct
        {% if summary.tenant %}target.{{ summary.tenant }},{% endif %}
        {{ summary.expression }}
    from {{ this }} as target
    where
        exists (select from pg_temp.requests where period is null)
        and exists (
            select from pg_temp.requests
            where
                requests.period is null
                {% if summary.tenant -%}
                and (
                    requests.tenant is null
                    or requests.tenant = target.{{ summary.tenant }}
                )
                {%- endif %}
        )
        and not exists (
            select from pg_temp.claimed_periods as periods
            where
                {% if summary.tenant -%}
                periods.{{ summary.tenant }} = target.{{ summary.tenant }} and
                {%- endif %}
                periods.{{ summary.column }} = {{ summary.expression }}
        );
    {%- endif %}
    analyze pg_temp.claimed_periods;
{%- endmacro %}

{# A fingerprint of what the model computes: where it changed since the last
   build, every period is due. #}
{% macro _definition() -%}
    {%- set parts = [model.raw_code] -%}
    {%- for id in model.depends_on.nodes if id in graph.nodes -%}
        {%- do parts.append(graph.nodes[id].checksum.checksum) -%}
    {%- endfor -%}
    {%- do return(local_md5(parts | join('|'))) -%}
{%- endmacro %}

{# The relation of tenants that a summary table's periods belong to: of the
   models it reads, the one whose YAML says `meta: {calendar: true}`. #}
{% macro calendar_of(node) -%}
    {%- for id in node.depends_on.nodes
        if graph.nodes.get(id, {}).get('config', {}).get('meta', {}).get('calendar')
    -%}
        {%- set calendar = graph.nodes[id] -%}
        {%- do return(api.Relation.create(
            schema=calendar.schema, identifier=calendar.alias
        )) -%}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error(
        node.name ~ " reads no calendar. Select from"
        ~ " {{ '{{' }} periods(ref('int_<domain>__calendar')) {{ '}}' }}."
    ) -%}
{%- endmacro %}
