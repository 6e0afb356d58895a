{# Pre-hook of a summary table: take the model's lock and its requests, and
   lay down the periods to compute. #}
{% macro claim_periods() -%}
    {%- if execute and is_summary(model) -%}
        {%- do check_model_sources() -%}
        {%- set sample = invocation_args_dict.get('sample') -%}
        {%- if flags.EMPTY -%}
            {%- set scope = 'nothing' -%}
        {%- elif sample is not none -%}
            {%- set scope = 'sample' -%}
        {%- else -%}
            {%- set scope = 'requested' if is_incremental() else 'everything' -%}
            {%- do _check_full_refresh() -%}
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
            p_definition => {{ model_definition() }},
            p_invocation => '{{ invocation_id }}'
            {%- if sample is not none %},
            p_sample => tstzrange('{{ sample.start }}', '{{ sample.end }}')
            {%- endif %}
        );
        {{ claim_requested(exists=load_relation(this) is not none) }}
    {%- endif -%}
{%- endmacro %}

{# dbt drops the old table with the views that read it, and makes those that are
   selected anew. #}
{% macro _check_full_refresh() -%}
    {%- for node in graph.nodes.values()
        if flags.FULL_REFRESH and model.unique_id in node.depends_on.nodes
        and node.config.materialized == 'view'
        and node.unique_id not in selected_resources
    -%}
        {%- do exceptions.raise_compiler_error(
            "A full refresh of " ~ model.name ~ " drops the view " ~ node.name
            ~ ", which reads it. Select both: --select " ~ model.name ~ "+"
        ) -%}
    {%- endfor -%}
{%- endmacro %}
