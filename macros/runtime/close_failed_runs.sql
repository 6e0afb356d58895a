{# On-run-end: what failed, in its run's row. #}
{% macro close_failed_runs(results) -%}
    {%- for result in results
        if result.status == 'error' and is_summary(result.node) -%}
        update orchestrator.job_runs
        set
            status = 'error',
            finished_at = clock_timestamp(),
            error_message = '{{ (result.message or "") | replace("'", "''") }}'
        where job = '{{ result.node.name }}'
            and invocation = '{{ invocation_id }}'
            and status = 'running';
        commit;
        begin;
    {%- endfor -%}
{%- endmacro %}
