{# What a summary table declares in its YAML, checked and with its defaults:
   model, tenant (as SQL has it; tenant_name as YAML), tenant_type, column (for grain `all`, the
   one it passes on), expression, grain, window, rows, current_period, rollover, retention, frozen, persistent,
   cadence, immediate, functions, charts. #}
{% macro summary_config(node) -%}
    {%- set meta = node.config.meta -%}
    {%- set period = meta.get('period') -%}
    {%- set choices = {
        'rows': ['every', 'some'],
        'current_period': ['exclude', 'include', 'live'],
        'rollover': [none, 'day', 'week', 'month'],
        'frozen': [false, true],
    } -%}
    {%- if period is not mapping -%}
        {%- do kpi_engine._refuse(node, 'period', period, "{column: …, grain: day}") -%}
    {%- endif -%}
    {%- for name in period if name not in choices and name not in [
        'grain', 'column', 'expression', 'window', 'retention', 'propagates'
    ] -%}
        {%- do exceptions.raise_compiler_error(
            node.name ~ ": meta.period has " ~ name ~ ", which means nothing"
            ~ " here. Fix it in " ~ kpi_engine.properties_path(node) ~ "."
        ) -%}
    {%- endfor -%}
    {%- set grain = period.get('grain') | string -%}
    {%- if not modules.re.match(
        '^(all|day|week|month|[0-9]+ (minute|hour)s?)$', grain
    ) -%}
        {%- do kpi_engine._refuse(node, 'period.grain', period.get('grain'),
            "a number of minutes or hours, day, week, month or all") -%}
    {%- endif -%}
    {%- if grain != 'all' and not period.get('column') -%}
        {%- do kpi_engine._refuse(node, 'period', period, "{column: …, grain: day}") -%}
    {%- endif -%}
    {%- for name, allowed in choices.items()
        if name in period and period[name] not in allowed -%}
        {%- do kpi_engine._refuse(node, 'period.' ~ name, period[name],
            allowed | reject('none') | join(' or ')) -%}
    {%- endfor -%}
    {%- if (period.get('retention') or period.get('frozen'))
        and grain in ('all', 'day', 'week', 'month') -%}
        {%- do kpi_engine._refuse(node, 'period.grain', grain,
            "a number of minutes or hours where there is retention or frozen")
        -%}
    {%- endif -%}
    {%- set column = kpi_engine.column_name(
        node, period.get('propagates' if grain == 'all' else 'column')
    ) -%}
    {%- do return({
        'model': node.name,
        'tenant': kpi_engine.column_name(node, meta.get('tenant')),
        'tenant_name': meta.get('tenant'),
        'tenant_type': kpi_engine.key_type(node, meta.get('tenant')),
        'column': column,
        'expression': period.get('expression')
            or ('target.' ~ column if column else 'null::date'),
        'grain': grain,
        'rows': period.get('rows', 'every'),
        'current_period': period.get('current_period', 'exclude'),
        'window': period.get('window', '0'),
        'rollover': period.get('rollover'),
        'retention': period.get('retention'),
        'frozen': period.get('frozen', false),
        'persistent': meta.get('persistent', false),
        'cadence': meta.get('cadence'),
        'immediate': meta.get('immediate', []),
        'functions': meta.get('functions', {}),
        'charts': meta.get('charts', []),
    }) -%}
{%- endmacro %}

{# A column of a model as SQL names it: quoted where its YAML says `quote: true`. #}
{% macro column_name(node, name) -%}
    {%- do return(
        adapter.quote(name) if (node.columns.get(name) or {}).get('quote') else name
    ) -%}
{%- endmacro %}

{# The type of a column that says whose a row is: as PostgreSQL has it, of those whose
   values have one text each, by which the queue names them. #}
{% macro key_type(node, name) -%}
    {%- set aliases = {'int8': 'bigint', 'int4': 'integer', 'int': 'integer',
        'int2': 'smallint'} -%}
    {%- set declared = (node.columns.get(name) or {}).get('data_type') or 'text' -%}
    {%- set type = aliases.get(declared | lower, declared | lower) -%}
    {%- if name and type not in ['uuid', 'bigint', 'integer', 'smallint', 'text'] -%}
        {%- do exceptions.raise_compiler_error(
            node.name ~ ": " ~ name ~ ", which says whose a row is, has the type "
            ~ declared ~ ". It must be uuid, bigint, integer, smallint or text"
            ~ " (which a varchar becomes). Fix it in "
            ~ kpi_engine.properties_path(node) ~ "."
        ) -%}
    {%- endif -%}
    {%- do return(type) -%}
{%- endmacro %}

{% macro _refuse(node, name, value, wanted) -%}
    {%- do exceptions.raise_compiler_error(
        node.name ~ ": meta." ~ name ~ " must be " ~ wanted ~ ", and is "
        ~ tojson(value) ~ ". Fix it in " ~ kpi_engine.properties_path(node) ~ "."
    ) -%}
{%- endmacro %}

{% macro is_summary(node) -%}
    {%- do return(
        node.resource_type == 'model'
        and node.config.incremental_strategy == 'period_upsert'
        and node.config.materialized == 'incremental'
    ) -%}
{%- endmacro %}
