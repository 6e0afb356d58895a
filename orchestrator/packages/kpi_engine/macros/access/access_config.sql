{# What a summary table declares as `meta.access` in its YAML or its folder's,
   checked: the row of orchestrator.access that it makes, and `function`, what
   creates the function that says whose rows a caller may read. #}
{% macro access_config(node) -%}
    {%- set access = node.config.meta.get('access') -%}
    {%- set is_published = kpi_engine.is_published(node) -%}
    {%- if access is not mapping -%}
        {%- do kpi_engine._refuse_access(node,
            "declares no meta.access, and without one nobody may build it; say who"
            ~ " reads it, such as access: {readers: admins}"
        ) -%}
    {%- endif -%}
    {%- for name in access if name not in [
        'readers', 'tenant', 'members', 'roles'
    ] -%}
        {%- do kpi_engine._refuse_access(node,
            "has meta.access." ~ name ~ ", which means nothing here"
        ) -%}
    {%- endfor -%}
    {%- set readers = access.get('readers') -%}
    {%- if readers not in ['members', 'admins', 'authenticated', 'functions'] -%}
        {%- do kpi_engine._refuse_access(node,
            "has meta.access.readers " ~ tojson(readers) ~ ": it must be members,"
            ~ " admins, authenticated or functions"
        ) -%}
    {%- endif -%}
    {%- set roles = access.get('roles') or {} -%}
    {%- for role, privileges in roles.items() -%}
        {%- if role in ['anon', 'authenticated', 'public'] -%}
            {%- do kpi_engine._refuse_access(node,
                "has meta.access.roles." ~ role ~ ", which everybody on the"
                ~ " internet has: declare readers instead"
            ) -%}
        {%- elif privileges is string or privileges
            | reject('in', ['select', 'insert', 'update', 'delete']) | list -%}
            {%- do kpi_engine._refuse_access(node,
                "has meta.access.roles." ~ role ~ " " ~ tojson(privileges)
                ~ ": it must be a list of select, insert, update, delete"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set function = none -%}
    {%- if readers == 'members' and kpi_engine.is_production() -%}
        {%- set column = node.columns.get(access.get('tenant')) -%}
        {%- if is_published and not column -%}
            {%- do kpi_engine._refuse_access(node,
                "has meta.access.tenant " ~ tojson(access.get('tenant'))
                ~ ", which is none of its columns"
            ) -%}
        {%- endif -%}
        {%- set tenant_type = kpi_engine.key_type(node, access.get('tenant')) -%}
        {%- set function = kpi_engine._tenants_function(node, access, tenant_type) -%}
    {%- endif -%}
    {%- do return({
        'model': node.name,
        'relation': kpi_engine.relation_of(node) | string,
        'is_published': is_published,
        'readers': readers,
        'tenant': access.tenant if function else none,
        'tenant_type': tenant_type if function else none,
        'tenants_function': function.name if function and is_published else none,
        'members': function.members if function else none,
        'roles': roles,
        'publication': kpi_engine.setting('publication'),
        'is_replicated': kpi_engine.is_production()
            and node.config.meta.get('replicated', false),
        'trusted_roles': kpi_engine.setting('trusted_roles'),
        'function': function,
    }) -%}
{%- endmacro %}

{# {name, sql, members}: whose rows the caller may read. #}
{% macro _tenants_function(node, access, tenant_type) -%}
    {%- set members = access.get('members') or {} -%}
    {%- for key in ['source', 'tenant', 'user'] if not members.get(key) -%}
        {%- do kpi_engine._refuse_access(node,
            "needs meta.access.members." ~ key ~ " to know whose rows a member"
            ~ " may read"
        ) -%}
    {%- endfor -%}
    {%- set name = kpi_engine.published_schema() ~ '.' ~ kpi_engine._quote_if_needed(
        'readable_' ~ access.tenant ~ 's'
    ) -%}
    {%- set relation = kpi_engine._access_source(node, members.source) -%}
    {%- set tenant = kpi_engine._quote_if_needed(members.tenant) -%}
    {%- set user = kpi_engine._quote_if_needed(members.user) -%}
    {%- set sql -%}
select {{ kpi_engine.runtime_schema() }}.drop_unlike({{ kpi_engine.literal(name ~ '()') }}, '{{ tenant_type }}');
create or replace function {{ name }}()
returns setof {{ tenant_type }}
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $readable$
begin
    return query
    select members.{{ tenant }}::{{ tenant_type }}
    from {{ relation }} as members
    where
        -- The caller's id as this table has users': a uuid, a number, a text.
        members.{{ user }} = (
            select caller.{{ user }}
            from jsonb_populate_record(
                null::{{ relation }},
                jsonb_build_object(
                    {{ kpi_engine.literal(members.user) }}, {{ kpi_engine.runtime_schema() }}.caller_id()
                )
            ) as caller
        )
        {%- for column, value in (members.get('only') or {}).items() %}
        and members.{{ kpi_engine._quote_if_needed(column) }}
        = '{{ value | string | replace("'", "''") }}'
        {%- endfor %};
exception
    -- What cannot be one of their ids is nobody's: a bad token is no error.
    when data_exception or check_violation then
        return;
end
$readable$;
comment on function {{ name }}() is
{{ kpi_engine.literal('Whose rows the caller may read: values of ' ~ access.tenant ~ '.') }}
    {%- endset -%}
    {%- do return({
        'name': name,
        'sql': sql,
        'members': {
            'relation': relation,
            'tenant': members.tenant,
            'user': members.user,
            'only': members.get('only') or {},
        },
    }) -%}
{%- endmacro %}

{% macro _access_source(node, name) -%}
    {%- for source in graph.sources.values()
        if source.source_name ~ '.' ~ source.name == name -%}
        {%- do return(kpi_engine.source_relation(source)) -%}
    {%- endfor -%}
    {%- do kpi_engine._refuse_access(node,
        "has meta.access with the source " ~ tojson(name) ~ ", which no"
        ~ " sources.yml names; write source.table"
    ) -%}
{%- endmacro %}

{% macro _refuse_access(node, what) -%}
    {%- do exceptions.raise_compiler_error(
        node.name ~ " " ~ what ~ ". Correct it for the folder in dbt_project.yml, or"
        ~ " for this table in " ~ kpi_engine.properties_path(node) ~ "."
    ) -%}
{%- endmacro %}
