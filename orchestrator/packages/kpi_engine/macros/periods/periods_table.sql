{# The table of the periods that a refresh of the model at hand has claimed. It stays:
   making one for each refresh would fill the catalog. Who has the model's lock has it,
   and all others find it empty. #}
{% macro periods_table() -%}
    {%- do return(
        kpi_engine.runtime_schema() ~ '.' ~ adapter.quote('periods_' ~ model.name)
    ) -%}
{%- endmacro %}

{# Statements that make it, and make it again where its columns change. Its comment has
   the hash of what it was made by. #}
{% macro make_periods_table() -%}
    {%- set table = kpi_engine.periods_table() -%}
    {%- set sql -%}
create unlogged table {{ table }} with (autovacuum_enabled = false) as
{{ kpi_engine.without_database(kpi_engine.period_series(
    kpi_engine.summary_config(model),
    kpi_engine.calendar_of(model),
    'unnest(null::' ~ kpi_engine.runtime_schema() ~ '.claimed_request [])'
)) }}
with no data;
    {%- endset -%}
    {%- set made_by = 'The periods that a refresh of ' ~ model.name
        ~ ' is computing: empty, to all others. (' ~ local_md5(sql) ~ ')' -%}
    {%- set is_made = "obj_description(to_regclass(" ~ kpi_engine.literal(table)
        ~ "), 'pg_class') = " ~ kpi_engine.literal(made_by) -%}
    {%- if not run_query("select " ~ is_made)[0][0] %}
        -- Two first runs at once make one.
        select pg_advisory_xact_lock(
            hashtext('orchestrator periods'), hashtext('{{ model.name }}')
        );
        do $periods$
        begin
            if ({{ is_made }}) is not true then
                drop table if exists {{ table }};
                {{ sql }}
                comment on table {{ table }} is {{ kpi_engine.literal(made_by) }};
            end if;
        end
        $periods$;
    {%- endif -%}
{%- endmacro %}
