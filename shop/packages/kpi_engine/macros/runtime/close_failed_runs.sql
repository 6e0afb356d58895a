{# On-run-end: what failed, in its run's row. A summary table that was not tried,
   as something that it reads failed, has failed, too. #}
{% macro close_failed_runs(results) -%}
    {%- set failures = kpi_engine._failures(results) -%}
    {%- for result in results if execute and kpi_engine.is_summary(result.node) -%}
        {%- set message = none -%}
        {%- if result.status == 'error' -%}
            {%- set message = kpi_engine.plain_message(result.message) -%}
        {%- elif result.status == 'skipped' -%}
            {%- set message = kpi_engine._failure_upstream(result.node, failures) -%}
        {%- endif -%}
        {%- if message is not none %}
            select {{ kpi_engine.runtime_schema() }}.fail_run(
                '{{ result.node.name }}',
                'dbt',
                '{{ invocation_id }}',
                '{{ message | replace("'", "''") }}'
            );
            commit;
            begin;
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{# {unique id of a model: what went wrong with it or with a test of it}. #}
{% macro _failures(results) -%}
    {%- set failures = {} -%}
    {%- for result in results if result.status in ['error', 'fail'] -%}
        {%- if result.node.resource_type == 'model' -%}
            {%- do failures.setdefault(
                result.node.unique_id,
                result.node.name ~ ": " ~ kpi_engine.plain_message(result.message)
            ) -%}
        {%- elif result.node.resource_type in ['test', 'unit_test'] -%}
            {%- for id in result.node.depends_on.nodes -%}
                {%- do failures.setdefault(
                    id, "the test " ~ result.node.name ~ " failed"
                ) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return(failures) -%}
{%- endmacro %}

{# The nearest failure among what a model reads, summary tables aside, whose runs say
   so themselves; none where there is none. #}
{% macro _failure_upstream(node, failures) -%}
    {%- set pending = node.depends_on.nodes | list -%}
    {%- set seen = [] -%}
    {%- for _ in range(1000) if pending -%}
        {%- set id = pending.pop(0) -%}
        {%- if id not in graph.nodes or kpi_engine.is_summary(graph.nodes[id]) -%}
        {%- elif id in failures -%}
            {%- do return("What it reads failed: " ~ failures[id]) -%}
        {%- elif id not in seen -%}
            {%- do pending.extend(graph.nodes[id].depends_on.nodes) -%}
        {%- endif -%}
        {%- do seen.append(id) -%}
    {%- endfor -%}
    {%- do return(none) -%}
{%- endmacro %}

{# What an error of dbt's says, without its heading, the macros it came through,
   and PostgreSQL's detail, which may hold a row of some tenant's. #}
{% macro plain_message(message) -%}
    {%- set said = modules.re.split('\\b(?:DETAIL|CONTEXT|QUERY):', message or '')[0] -%}
    {%- set place = modules.re.search(
        '^Compilation Error in \\w+ \\S+ (\\([^)]*\\))', said
    ) -%}
    {%- set kept = [] -%}
    {%- for line in said.splitlines() | map('trim')
        if line and not modules.re.match(
            '[A-Z]\\w+ Error\\b.* in |> |compiled code at |-+$|\\^+$', line
        ) -%}
        {%- do kept.append(line) -%}
    {%- endfor -%}
    {%- if place -%}
        {%- do kept.append(place[1]) -%}
    {%- endif -%}
    {%- do return(kept | join(' ')) -%}
{%- endmacro %}
