{# The two functions of a source that `models` (each as summary_config gives it)
   read: capture_…, which its triggers call, and request_…, which requests what given
   rows touch. `meta.capture`:
     tenant  a column, or an expression over the row `changed`; or, where the
             readers' tenants are not the same, {their tenant column: that}
     at      the moments that a row touches
     span    [from, to]: a row touches all between; to null: open
     from    a moment: a row touches all from there on
   Moments are columns, or expressions, too.
   With none of the last three a row touches its tenant's every period.
   What an expression selects from another table is looked up when the request is
   taken: another transaction may be changing that table's row at the same moment. #}
{% macro capture_functions(source, models, incomparable=[]) -%}
    {%- if kpi_engine.capture_by(source) == 'triggers' -%}
        {{ kpi_engine._capture_function(source, models, incomparable) }}
    {%- endif -%}
    {{ kpi_engine._request_function(source, models) }}
{%- endmacro %}

{% macro _capture_function(source, models, incomparable) -%}
create or replace function {{ kpi_engine.runtime_schema() }}.
{{- adapter.quote('capture_' ~ kpi_engine.generated_name(source)) }}()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $capture$
<<request>>
declare
    relation constant text := {{ kpi_engine.literal(kpi_engine.source_relation(source)) }};
    reason text := 'source ' || relation;
begin
    if tg_op = 'TRUNCATE' then
        {{ kpi_engine._request_everything(source, models) }}
    {%- if source.config.meta.capture.get('replicated') %}
    -- Row by row, as what arrives by replication has no statements.
    elsif tg_op <> 'UPDATE' or exists (
        select {{ kpi_engine._compared(source, incomparable, 'old') }}
        except
        select {{ kpi_engine._compared(source, incomparable, 'new') }}
    ) then
        if tg_op <> 'INSERT' then
            {{ kpi_engine._request_changed(
                source, models, '(select ' ~ kpi_engine._compared(source, [], 'old') ~ ')', true
            ) }}
        end if;
        if tg_op <> 'DELETE' then
            {{ kpi_engine._request_changed(
                source, models, '(select ' ~ kpi_engine._compared(source, [], 'new') ~ ')', true
            ) }}
        end if;
    {%- else %}
    elsif tg_op = 'UPDATE' then
        {%- set was = kpi_engine._compared(source, incomparable, 'old_rows') %}
        {%- set is = kpi_engine._compared(source, incomparable, 'new_rows') %}
        {{ kpi_engine._request_changed(source, models, '(
            (
                select ' ~ was ~ ' from old_rows
                except all
                select ' ~ is ~ ' from new_rows
            )
            union all
            (
                select ' ~ is ~ ' from new_rows
                except all
                select ' ~ was ~ ' from old_rows
            )
        )') }}
    elsif exists (select from changed_rows offset 1) then
        {{ kpi_engine._request_changed(source, models, 'changed_rows') }}
    else
        -- One row, as most statements write: a query that groups costs twice as much.
        {{ kpi_engine._request_changed(source, models, 'changed_rows', is_single=true) }}
    {%- endif %}
    end if;
    return null;
exception when others then
    -- The application's write must not fail: not for a renamed column, and not
    -- where the queue itself is broken.
    begin
        reason := 'capture failed: ' || sqlerrm;
        {{ kpi_engine._request_everything(source, models) }}
        return null;
    exception when others then
        begin
            insert into {{ kpi_engine.runtime_schema() }}.lost_captures (relation, reason)
            values (request.relation, sqlerrm);
        exception when others then
            begin
                perform nextval('{{ kpi_engine.runtime_schema() }}.uncounted_captures');
            exception when others then
                raise warning 'A change of % could not be captured: %',
                    relation, sqlerrm;
            end;
        end;
        return null;
    end;
end
$capture$;
revoke all on function
{{ kpi_engine.runtime_schema() }}.{{ adapter.quote('capture_' ~ kpi_engine.generated_name(source)) }}() from public;
{% endmacro %}

{% macro _request_function(source, models) -%}
-- Of the rows of a relation, of a query in brackets, or (null) those that p_data has
-- of the columns by which they are looked up.
create or replace function {{ kpi_engine.runtime_schema() }}.
{{- adapter.quote('request_' ~ kpi_engine.generated_name(source)) }}(
    p_rows text, p_data jsonb, p_models text [], p_reason text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $request$
declare
    rows constant text := coalesce(p_rows, format(
        '(select (jsonb_populate_record(null::%s, part.value)).* '
        'from jsonb_array_elements($1) as part)',
        {{ kpi_engine.literal(kpi_engine.source_relation(source)) }}
    ));
begin
    {%- for group in kpi_engine._alike(source, models) %}
    if p_models && array[
        {%- for model in group.readers %}
        {{- kpi_engine.literal(model.model) }}{{ ", " if not loop.last }}
        {%- endfor -%}
    ]::text [] then
        execute replace($query$
        {{ (kpi_engine._requests(source, group, '<rows>', '$3', '$2') | trim)[:-1] }}
        $query$, '<rows>', rows) using p_data, p_models, p_reason;
    end if;
    {%- endfor %}
end
$request$;
revoke all on function
{{ kpi_engine.runtime_schema() }}.{{ adapter.quote('request_' ~ kpi_engine.generated_name(source)) }}(
    text, jsonb, text [], text
)
from public;
{%- endmacro %}

{# {tenant, moments, readers, is_linked} for those of the models each to whom a row is
   of the same tenant and moments. #}
{% macro _alike(source, models) -%}
    {%- set capture = source.config.meta.capture -%}
    {%- set affected = kpi_engine._affected(capture) -%}
    {%- set alike = {} -%}
    {%- for model in models -%}
        {%- set tenant = capture.get('tenant') -%}
        {%- if tenant is mapping -%}
            {%- set tenant = tenant.get(model.tenant_name) -%}
        {%- endif -%}
        {%- set is_bounded = model.grain != 'all' and affected != [] -%}
        {%- do alike.setdefault((tenant or '', is_bounded), []).append(model) -%}
    {%- endfor -%}
    {%- set groups = [] -%}
    {%- for (tenant, is_bounded), readers in alike.items() -%}
        {%- set moments = affected if is_bounded else [] -%}
        {%- do groups.append({
            'tenant': tenant,
            'moments': moments,
            'readers': readers,
            'is_linked':
                modules.re.search('\\bselect\\b', tojson([tenant, moments])) != none,
        }) -%}
    {%- endfor -%}
    {%- do return(groups) -%}
{%- endmacro %}

{# Requests of the models, of what the rows touch. #}
{% macro _request_changed(source, models, rows, is_single=false) -%}
    {%- for group in kpi_engine._alike(source, models) -%}
        {%- if group.is_linked -%}
            {{ kpi_engine._request_later(source, group, rows) }}
        {%- elif is_single -%}
            {{ kpi_engine._requests_of_row(source, group, rows) }}
        {%- else -%}
            {{ kpi_engine._requests(source, group, rows) }}
        {%- endif -%}
        {{- "\n        " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The pairs of moments between which a row touches something. #}
{% macro _affected(capture) -%}
    {%- set affected = [] -%}
    {%- for at in capture.get('at') or [] -%}
        {%- do affected.append((at, at)) -%}
    {%- endfor -%}
    {%- if capture.get('span') -%}
        {%- do affected.append((capture.span[0], capture.span[1])) -%}
    {%- endif -%}
    {%- if capture.get('from') -%}
        {%- do affected.append((capture['from'], 'null')) -%}
    {%- endif -%}
    {%- do return(affected) -%}
{%- endmacro %}

{# One request a model, tenant and UTC day (or pair of days, for a span). #}
{% macro _requests(source, group, rows, reason='request.reason', only=none) -%}
{%- set owner = kpi_engine._of_changed(source, group.tenant) if group.tenant -%}
insert into {{ kpi_engine.runtime_schema() }}.refresh_queue (
            model, tenant, period, reason, immediate
        )
        select
            readers.model, affected.tenant, affected.period, {{ reason }},
            readers.immediate
        from (
            {% if group.moments -%}
            select
                {{ owner or 'null' }}::text as tenant,
                tstzrange(min(lower(part.period)), max(upper(part.period)))
                    as period
            from {{ rows }} as changed
            cross join lateral {{ kpi_engine._parts(source, group.moments) }}
            where part.period is not null
            group by
                1,
                date_trunc('day', lower(part.period), 'UTC'),
                date_trunc('day', upper(part.period), 'UTC')
            {%- else -%}
            select distinct
                {{ owner or 'null' }}::text as tenant,
                null::tstzrange as period
            from {{ rows }} as changed
            {%- endif %}
        ) as affected
        cross join {{ kpi_engine._readers(source, group.readers) }}
        {%- set conditions = [
            'affected.tenant is not null' if group.tenant,
            'readers.model = any(' ~ only ~ ')' if only,
        ] | select | list %}
        {%- if conditions %}
        where {{ conditions | join(' and ') }}
        {%- endif %};
{%- endmacro %}

{# One request a model and moment of a single row; what there is one of is no join. #}
{% macro _requests_of_row(source, group, rows) -%}
{%- set models, affected = group.readers, group.moments -%}
{%- set is_one_model = models | length == 1 -%}
{%- set owner = kpi_engine._of_changed(source, group.tenant) if group.tenant -%}
{%- if affected | length > 1 -%}
    {%- set period, moment = 'part.period', 'part.period' -%}
{%- elif affected -%}
    {%- set period = kpi_engine._affected_by(source, *affected[0]) -%}
    {%- set moment = kpi_engine._of_changed(source, affected[0][0]) -%}
{%- else -%}
    {%- set period, moment = 'null::tstzrange', none -%}
{%- endif -%}
insert into {{ kpi_engine.runtime_schema() }}.refresh_queue (
            model, tenant, period, reason, immediate
        )
        select
            {{ kpi_engine.literal(models[0].model) if is_one_model else "readers.model" }},
            {{ owner or 'null' }}::text,
            {{ period }},
            request.reason,
            {{ kpi_engine._is_immediate(source, models[0]) if is_one_model
                else "readers.immediate" }}
        from {{ rows }} as changed
        {%- if affected | length > 1 %}
        cross join lateral {{ kpi_engine._parts(source, affected) }}
        {%- endif %}
        {%- if not is_one_model %}
        cross join {{ kpi_engine._readers(source, models) }}
        {%- endif %}
        {%- for needed in (moment, owner) if needed %}
        {{ "where" if loop.first else "and" }} {{ needed }} is not null
        {%- endfor %};
{%- endmacro %}

{# Requests that keep what their rows are looked up by, a thousand rows each. #}
{% macro _request_later(source, group, rows) -%}
{%- set used = [] -%}
{%- for value in [group.tenant] + group.moments | sum(start=()) | list -%}
    {%- for column in source.columns -%}
        {%- set name = modules.re.escape(column) -%}
        {%- if value == column
            or modules.re.search('\\bchanged\\."?' ~ name ~ '\\b', value) -%}
            {%- do used.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endfor -%}
insert into {{ kpi_engine.runtime_schema() }}.refresh_queue (
            model, reason, immediate, source, source_rows
        )
        select
            readers.model, request.reason, readers.immediate,
            {{ kpi_engine.literal(kpi_engine.source_relation(source)) }}, part.source_rows
        from (
            select jsonb_agg(numbered.key) as source_rows
            from (
                select keys.key, (row_number() over () - 1) / 1000 as part
                from (
                    select distinct jsonb_build_object(
                        {%- for column in used | unique %}
                        {{ kpi_engine.literal(column) }}, changed.{{ adapter.quote(column) }}
                        {{- "," if not loop.last }}
                        {%- endfor %}
                    ) as key
                    from {{ rows }} as changed
                ) as keys
            ) as numbered
            group by numbered.part
        ) as part
        cross join {{ kpi_engine._readers(source, group.readers) }};
{%- endmacro %}

{# The periods that a row touches, each for itself. #}
{% macro _parts(source, affected) -%}
(
                values
                {%- for first, last in affected %}
                ({{ kpi_engine._affected_by(source, first, last) }}){{ "," if not loop.last }}
                {%- endfor %}
            ) as part (period)
{%- endmacro %}

{% macro _affected_by(source, first, last) -%}
    {{ kpi_engine.runtime_schema() }}.affected_range(
        {{- kpi_engine._of_changed(source, first) }}, {{ kpi_engine._of_changed(source, last) -}}
    )
{%- endmacro %}

{# A column of the row `changed`; an expression is about that row already. #}
{% macro _of_changed(source, value) -%}
    {{ 'changed.' ~ adapter.quote(value) if value in source.columns else value }}
{%- endmacro %}

{% macro is_column_name(value) -%}
    {%- do return(modules.re.match('^[A-Za-z_][A-Za-z0-9_]*$', value) is not none) -%}
{%- endmacro %}

{% macro _request_everything(source, models) -%}
insert into {{ kpi_engine.runtime_schema() }}.refresh_queue (model, reason, immediate)
        select readers.model, request.reason, readers.immediate
        from {{ kpi_engine._readers(source, models) }};
{%- endmacro %}

{# The models that read a source, and which of them are to do so at once. #}
{% macro _readers(source, models) -%}
    (
            values
            {%- for model in models %}
            ({{ kpi_engine.literal(model.model) }}, {{ kpi_engine._is_immediate(source, model) }})
            {{- "," if not loop.last }}
            {%- endfor %}
        ) as readers (model, immediate)
{%- endmacro %}

{% macro _is_immediate(source, model) -%}
    {{ (source.name in model.immediate) | lower }}
{%- endmacro %}

{# The columns that a refresh reads, of the rows that an update has changed; those of
   a type that has no equality, as json, by their text. #}
{% macro _compared(source, incomparable, rows) -%}
    {%- for column in source.columns -%}
        {{ rows }}.{{ adapter.quote(column) }}
        {{- '::text' if column in incomparable }} as {{ adapter.quote(column) }}
        {{- ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# What the names of a source's functions end with: no two sources have the same, and
   with a prefix it fits the 63 bytes of a name. #}
{% macro generated_name(source) -%}
    {%- set name = source.source_name ~ '_' ~ source.name -%}
    {%- do return(
        modules.re.sub('[^A-Za-z0-9_]', '_', name)[:40] ~ '_'
        ~ local_md5(tojson([source.source_name, source.name]))[:10]
    ) -%}
{%- endmacro %}
