{# A source node's table as the database writes it: schema.table. #}
{% macro source_relation(source) -%}
    {%- do return(kpi_engine.relation_name(source.schema, source.identifier)) -%}
{%- endmacro %}

{# The name of a relation, quoted where it must be. #}
{% macro relation_name(schema, name) -%}
    {%- do return(kpi_engine._quote_if_needed(schema) ~ '.' ~ kpi_engine._quote_if_needed(name)) -%}
{%- endmacro %}

{% macro _quote_if_needed(name) -%}
    {#- PostgreSQL's reserved words: the list is SQL's, and grows by none. -#}
    {%- set reserved = [
        'all', 'analyse', 'analyze', 'and', 'any', 'array', 'as', 'asc',
        'asymmetric', 'authorization', 'binary', 'both', 'case', 'cast', 'check',
        'collate', 'collation', 'column', 'concurrently', 'constraint', 'create',
        'cross', 'current_catalog', 'current_date', 'current_role',
        'current_schema', 'current_time', 'current_timestamp', 'current_user',
        'default', 'deferrable', 'desc', 'distinct', 'do', 'else', 'end', 'except',
        'false', 'fetch', 'for', 'foreign', 'freeze', 'from', 'full', 'grant',
        'group', 'having', 'ilike', 'in', 'initially', 'inner', 'intersect',
        'into', 'is', 'isnull', 'join', 'lateral', 'leading', 'left', 'like',
        'limit', 'localtime', 'localtimestamp', 'natural', 'not', 'notnull',
        'null', 'offset', 'on', 'only', 'or', 'order', 'outer', 'overlaps',
        'placing', 'primary', 'references', 'returning', 'right', 'select',
        'session_user', 'similar', 'some', 'symmetric', 'system_user', 'table',
        'tablesample', 'then', 'to', 'trailing', 'true', 'union', 'unique', 'user',
        'using', 'variadic', 'verbose', 'when', 'where', 'window', 'with',
    ] -%}
    {%- do return(
        name if modules.re.match('^[a-z_][a-z0-9_]*$', name)
        and name not in reserved
        else adapter.quote(name)
    ) -%}
{%- endmacro %}
