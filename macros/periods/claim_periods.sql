{# Pre-hook of a summary table: take the model's lock and its requests, and
   lay down the periods to compute. #}
{% macro claim_periods() -%}
    {%- if execute and is_summary(model) -%}
        {%- if is_partial_run() -%}
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
            p_definition => {{ model_definition() }},
            p_invocation => '{{ invocation_id }}'
        );
        {{ claim_requested(exists=load_relation(this) is not none) }}
    {%- endif -%}
{%- endmacro %}
