{# Post-hook of a summary table: close it to clients and leave its SQL as functions,
   in the transaction that made it; give a new one its foreign keys; and refresh it
   by these functions, in slices that commit. One that a full refresh has
   rebuilt has its rows, and its run is closed.
   Executed as it renders, since how many slices there are shows as they are done.
   The SQL of `--empty` reads nothing, and is left nowhere. #}
{% macro publish() -%}
    {%- if execute and kpi_engine.is_summary(model) -%}
        {%- set present = run_query("
            select
                exists (
                    select from " ~ kpi_engine.runtime_schema() ~ ".missing_foreign_keys(
                        " ~ kpi_engine.literal(model.name) ~ "
                    )
                ),
                obj_description(
                    to_regprocedure('" ~ kpi_engine.compute_function_name() ~ "'), 'pg_proc'
                ),
                current_setting('" ~ kpi_engine.runtime_schema() ~ ".scope', true),
                not exists (select from " ~ this.include(database=false) ~ ")
        ")[0] -%}
        {%- set is_empty = present[3] -%}
        {%- set is_met = kpi_engine.meet_contract(is_last=false) -%}
        {%- if present[0] and is_empty -%}
            {%- do run_query(kpi_engine._make_foreign_keys()) -%}
        {%- elif present[0] and not flags.EMPTY and present[2] != 'everything' -%}
            {#- What was deleted while a key was away has left its rows. -#}
            {%- do run_query(
                "select " ~ kpi_engine.runtime_schema() ~ ".request(" ~ kpi_engine.literal(model.name)
                ~ ", p_reason => 'references restored')"
            ) -%}
        {%- endif -%}
        {%- if not kpi_engine.is_production() and not is_empty -%}
            {#- No trigger says what has changed since. -#}
            {%- do run_query(
                "select " ~ kpi_engine.runtime_schema() ~ ".request("
                ~ kpi_engine.literal(model.name) ~ ", p_reason => 'development')"
            ) -%}
        {%- endif -%}
        {%- do run_query(kpi_engine.protect_table()) -%}
        {%- if flags.EMPTY -%}
            {%- do run_query(kpi_engine._end_refresh()) -%}
        {%- else -%}
            {%- do run_query(kpi_engine.install_compute_function(present[1]) or 'select 1') -%}
            {%- if present[2] == 'everything' -%}
                {%- do run_query(kpi_engine._end_refresh()) -%}
            {%- else -%}
                {%- do kpi_engine._refresh_in_slices() -%}
            {%- endif -%}
        {%- endif -%}
        {%- if not is_met -%}
            {%- do kpi_engine.meet_contract(is_last=true) -%}
        {%- endif -%}
        {%- if present[0] and not is_empty -%}
            {%- do run_query(kpi_engine._make_foreign_keys()) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _make_foreign_keys() -%}
    select {{ kpi_engine.runtime_schema() }}.make_foreign_keys({{ kpi_engine.literal(model.name) }})
{%- endmacro %}

{% macro _end_refresh() -%}
    select {{ kpi_engine.runtime_schema() }}.end_refresh('{{ model.name }}')
{%- endmacro %}

{% macro _refresh_in_slices() -%}
    {%- set sample = invocation_args_dict.get('sample') -%}
    {%- set slice -%}
        select status, error_message, reason
        from {{ kpi_engine.runtime_schema() }}.refresh_slice(
            p_model => '{{ model.name }}',
            p_executor => 'dbt',
            p_invocation => '{{ invocation_id }}',
            p_eager => true,
            p_definition => {{ kpi_engine.model_definition() }}
            {%- if sample is not none %},
            p_sample => tstzrange('{{ sample.start }}', '{{ sample.end }}')
            {%- endif %}
        )
    {%- endset -%}
    {%- set last = namespace(status='running') -%}
    {%- for _ in range(1000) if last.status == 'running' -%}
        {%- for _ in range(1000) if last.status == 'running' -%}
            {%- set run = run_query(slice)[0] -%}
            {%- do run_query('commit; begin') -%}
            {%- set last.status, message = run['status'], run['error_message'] -%}
            {%- if last.status == 'error' -%}
                {%- do exceptions.raise_database_error(message) -%}
            {%- elif message or last.status == 'skipped' -%}
                {%- do exceptions.warn(
                    model.name ~ ": " ~ (message or 'not refreshed, ' ~ run['reason'])
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
