{# On-run-start: the functions that summary tables declare in `meta.functions`,
   {kind: name}, in the schema that is published, for admins alone:
     compute      one tenant's period: (tenant, day) or (tenant, year, month)
     compute_all  that of every active tenant
     backfill     one tenant's days: (tenant, first, last)
     catch_up     one tenant's last days: (tenant, how many, else 7)
     refresh      what is due or waits: ()
     get          the rows; of periods, optionally between two days
   Tables that declare the same backfill or catch_up share it. #}
{% macro install_functions() -%}
    {%- if execute -%}
        {%- set wanted = {} -%}
        {%- for node in graph.nodes.values() if kpi_engine.is_summary(node)
            and kpi_engine.is_production() -%}
            {%- for kind, name in kpi_engine.summary_config(node).functions.items() -%}
                {%- set function = kpi_engine._function(node, kind, name) -%}
                {%- if wanted.get(name, function) != function -%}
                    {%- do kpi_engine._refuse(node, 'functions.' ~ kind, name,
                        "a name that no other table's function has") -%}
                {%- endif -%}
                {%- do wanted.update({name: function}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set installed = {} -%}
        {%- for row in run_query("
            select proname, comment
            from pg_proc
            cross join lateral obj_description(pg_proc.oid, 'pg_proc')
                as comment
            where
                pronamespace = to_regnamespace('" ~ kpi_engine.published_schema() ~ "')
                and comment like '% (kpi\\_% %)'
        ") -%}
            {%- do installed.update({row[0]: row[1]}) -%}
        {%- endfor -%}
        {%- for name in installed if name not in wanted %}
            drop function {{ kpi_engine.published_schema() }}.{{ name }};
        {%- endfor -%}
        {%- for name, function in wanted.items() -%}
            {%- set settings = 'security definer set search_path = pg_catalog, pg_temp'
            -%}
            {%- set comment = function.purpose ~ ' (kpi_engine '
                ~ local_md5(tojson(function) ~ settings) ~ ')' -%}
            {%- if installed.get(name) != comment %}
                {% if name in installed -%}
                drop function {{ kpi_engine.published_schema() }}.{{ name }};
                {%- endif %}
                create function {{ kpi_engine.published_schema() }}.{{ name }}({{ function.arguments }})
                returns {{ function.returns }}
                language plpgsql {{ 'stable ' if function.is_read_only }}{{ settings }}
                as $function$
                #variable_conflict use_column
                begin
                    perform {{ kpi_engine.runtime_schema() }}.require_admin();
                    {{ function.body }};
                end
                $function$;
                comment on function {{ kpi_engine.published_schema() }}.{{ name }} is
                '{{ comment | replace("'", "''") }}';
                revoke all on function {{ kpi_engine.published_schema() }}.{{ name }} from public;
                grant execute on function {{ kpi_engine.published_schema() }}.{{ name }}
                to authenticated, service_role;
            {%- endif -%}
        {%- endfor %}
        commit;
        begin;
    {%- endif -%}
{%- endmacro %}

{% macro _function(node, kind, name) -%}
    {%- set summary = kpi_engine.summary_config(node) -%}
    {%- set model = "'" ~ node.name ~ "'" -%}
    {%- set tenant = 'p_' ~ summary.tenant_name -%}
    {%- if not modules.re.match('^[a-z_][a-z0-9_]*$', name) -%}
        {%- do kpi_engine._refuse(node, 'functions.' ~ kind, name, "a name in lower case") -%}
    {%- elif kind in ('compute', 'backfill', 'catch_up') and not summary.tenant
        -%}
        {%- do kpi_engine._refuse(node, 'functions.' ~ kind, name,
            "left out of a table without tenants") -%}
    {%- endif -%}
    {%- set period, day = {
        'day': ('p_date date', 'p_date'),
        'week': ('p_week_start date', 'p_week_start'),
        'month': (
            'p_year integer, p_month integer',
            kpi_engine.runtime_schema() ~ '.month_start(p_year, p_month)',
        ),
    }.get(summary.grain, ('', 'null::date')) -%}
    {%- set require -%}
        {%- if day != 'null::date' and summary.current_period != 'live' -%}
            perform {{ kpi_engine.runtime_schema() }}.require_period({{ model }}, {{
            kpi_engine.runtime_schema() ~ '.given(' ~ tenant ~ '::text)' if kind == 'compute'
            else 'null' }}, {{ day }}, {{
            (summary.current_period == 'include') | lower }});
        {%- endif %}
    {% endset -%}
    {%- if kind == 'compute' -%}
        {%- do return({
            'purpose': 'Computes one ' ~ summary.grain ~ ' of ' ~ node.name
                ~ ', now.',
            'arguments': tenant ~ ' ' ~ summary.tenant_type ~ ', ' ~ period,
            'returns': 'void',
            'body': require ~ 'perform ' ~ kpi_engine.runtime_schema() ~ '.compute('
                ~ model ~ ', ' ~ kpi_engine.runtime_schema() ~ '.given(' ~ tenant ~ '::text), '
                ~ day ~ ', ' ~ day ~ ')',
        }) -%}
    {%- elif kind == 'compute_all' -%}
        {%- do return({
            'purpose': 'Computes one ' ~ summary.grain ~ ' of ' ~ node.name
                ~ ' for all who are active, now.',
            'arguments': period,
            'returns': 'void',
            'body': require ~ 'perform ' ~ kpi_engine.runtime_schema() ~ '.compute('
                ~ model ~ ', null, '
                ~ day ~ ', ' ~ day ~ ')',
        }) -%}
    {%- elif kind == 'backfill' -%}
        {%- do return({
            'purpose': 'Computes days and the periods they lie in, now.',
            'arguments': tenant ~ ' ' ~ summary.tenant_type
                ~ ', p_start_date date, p_end_date date',
            'returns': 'void',
            'body': "perform " ~ kpi_engine.runtime_schema() ~ ".compute_group('backfill', '" ~ name
                ~ "', " ~ kpi_engine.runtime_schema() ~ ".given(" ~ tenant
                ~ "::text), p_start_date, p_end_date)",
        }) -%}
    {%- elif kind == 'catch_up' -%}
        {%- do return({
            'purpose': 'Computes the last days and the periods they lie in, now.',
            'arguments': tenant ~ ' ' ~ summary.tenant_type
                ~ ', p_days_back integer default 7',
            'returns': 'void',
            'body': "perform " ~ kpi_engine.runtime_schema() ~ ".compute_group('catch_up', '" ~ name
                ~ "', " ~ kpi_engine.runtime_schema() ~ ".given(" ~ tenant
                ~ "::text), p_days_back => p_days_back)",
        }) -%}
    {%- elif kind == 'refresh' -%}
        {%- do return({
            'purpose': 'Refreshes ' ~ node.name ~ ', now.',
            'arguments': '',
            'returns': 'void',
            'body': 'perform ' ~ kpi_engine.runtime_schema() ~ '.refresh_now(' ~ model ~ ')',
        }) -%}
    {%- elif kind == 'get' -%}
        {%- set columns = [] -%}
        {%- for column in node.columns.values() -%}
            {%- do columns.append(column.name ~ ' ' ~ column.data_type) -%}
        {%- endfor -%}
        {%- set is_dated = summary.grain in ('day', 'week', 'month') -%}
        {%- do return({
            'is_read_only': true,
            'purpose': 'The rows of ' ~ node.name ~ '.',
            'arguments': 'p_from date default null, p_to date default null'
                if is_dated else '',
            'returns': 'table (' ~ columns | join(', ') ~ ')',
            'body': 'return query select target.* from '
                ~ kpi_engine.relation_of(node) ~ ' as target' ~ (
                    ' where (' ~ summary.expression
                    ~ ' >= p_from) is not false and (' ~ summary.expression
                    ~ ' <= p_to) is not false' if is_dated else ''
                ) ~ ' order by ' ~ node.config.unique_key | join(', '),
        }) -%}
    {%- endif -%}
    {%- do kpi_engine._refuse(node, 'functions', kind,
        "compute, compute_all, backfill, catch_up, refresh or get") -%}
{%- endmacro %}
