{# The schema of a model whose config names one of the two that are the engine's: that,
   in production, whatever the profile's own, for clients know it; in a development
   target the target's own, and one whose name begins with it. Others' are as dbt has
   them. #}
{% macro schema_name(custom_schema_name, node=none) -%}
    {%- set name = (custom_schema_name or '') | trim -%}
    {%- set is_published = name == kpi_engine.setting('published_schema') -%}
    {%- if not is_published and name != kpi_engine.setting('runtime_schema') -%}
        {{ dbt.default__generate_schema_name(custom_schema_name, node) }}
    {%- elif kpi_engine.is_production() -%}
        {{ name }}
    {%- else -%}
        {{ target.schema if is_published else target.schema ~ '_' ~ name }}
    {%- endif -%}
{%- endmacro %}

{# Whether what this target builds is what clients read. Else it is someone's copy to
   work on: nothing is published, and nothing of the application's is touched. #}
{% macro is_production() -%}
    {%- do return(
        target.schema == kpi_engine.setting('published_schema')
        or target.name in kpi_engine.setting('production_targets')
    ) -%}
{%- endmacro %}

{# The schema of the summary tables, as the project names it in this target. #}
{% macro published_schema() -%}
    {%- do return(kpi_engine._schema_in_target('published_schema')) -%}
{%- endmacro %}

{# The schema of what is internal: the runtime, and the views that models read. #}
{% macro runtime_schema() -%}
    {%- do return(kpi_engine._schema_in_target('runtime_schema')) -%}
{%- endmacro %}

{% macro _schema_in_target(name) -%}
    {#- A project's own macro may look at the model: some summary table. -#}
    {%- set node = graph.get('nodes', {}).values()
        | selectattr('config.incremental_strategy', 'equalto', 'period_upsert')
        | first | default(none) -%}
    {%- do return(generate_schema_name(kpi_engine.setting(name), node) | trim) -%}
{%- endmacro %}

{# SQL of the engine's own, which is written for the default schemas, with those of this
   target. Not for what has names of others in it. #}
{% macro in_schemas(sql) -%}
    {%- set renamed = namespace(sql=sql) -%}
    {%- for name, schema in [
        ('orchestrator', kpi_engine.runtime_schema()),
        ('analytics', kpi_engine.published_schema()),
    ] if name != schema -%}
        {%- set renamed.sql = modules.re.sub(
            "\\b" ~ name ~ "(?=\\.[\\w\"%{]|_capture_|_look\\b)|(?<=')" ~ name ~ "(?=')"
            ~ "|(?<=schema |exists )" ~ name ~ "\\b",
            schema,
            renamed.sql
        ) -%}
    {%- endfor -%}
    {%- do return(renamed.sql) -%}
{%- endmacro %}
