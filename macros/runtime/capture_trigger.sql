{# The trigger function and the triggers on one source table that `models`
   (each as summary_config gives it) read. `meta.capture`:
     tenant  a column, or an expression over the row `changed`; or, where the
             readers' tenants are not the same, {their tenant column: that}
     at      the moments that a row touches
     span    [from, to]: a row touches all between; to null: open
     from    a moment: a row touches all from there on
   Moments are columns, or expressions, too.
   With none of the last three a row touches its tenant's every period. #}
{% macro capture_trigger(source, models) -%}
{%- set relation = source_relation(source) -%}
{%- set columns = source.columns.keys() | join(', ') -%}
create or replace function {{ capture_function(source) }} returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
<<request>>
declare
    reason text := 'source {{ relation }}';
begin
    if tg_op = 'TRUNCATE' then
        {{ _request_everything(source, models) }}
    elsif tg_op = 'UPDATE' then
        {{ _request_changed(source, models, '(
            (
                select ' ~ columns ~ ' from old_rows
                except all
                select ' ~ columns ~ ' from new_rows
            )
            union all
            (
                select ' ~ columns ~ ' from new_rows
                except all
                select ' ~ columns ~ ' from old_rows
            )
        )') }}
    elsif exists (select from changed_rows offset 1) then
        {{ _request_changed(source, models, 'changed_rows') }}
    else
        -- One row, as most statements write: a query that groups costs twice as much.
        {{ _request_changed(source, models, 'changed_rows', is_single=true) }}
    end if;
    return null;
exception when others then
    -- The application's write must not fail: not for a renamed column, and not
    -- where the queue itself is broken.
    begin
        reason := 'capture failed: ' || sqlerrm;
        {{ _request_everything(source, models) }}
        return null;
    exception when others then
        begin
            insert into orchestrator.lost_captures (relation, reason)
            values ('{{ relation }}', sqlerrm);
        exception when others then
            begin
                perform nextval('orchestrator.uncounted_captures');
            exception when others then
                raise warning 'A change of {{ relation }} could not be captured: %',
                    sqlerrm;
            end;
        end;
        return null;
    end;
end
$$;
revoke all on function {{ capture_function(source) }} from public;

create or replace trigger orchestrator_capture_insert
after insert on {{ relation }}
referencing new table as changed_rows
for each statement execute function {{ capture_function(source) }};

create or replace trigger orchestrator_capture_update
after update on {{ relation }}
referencing old table as old_rows new table as new_rows
for each statement execute function {{ capture_function(source) }};

create or replace trigger orchestrator_capture_delete
after delete on {{ relation }}
referencing old table as changed_rows
for each statement execute function {{ capture_function(source) }};

create or replace trigger orchestrator_capture_truncate
after truncate on {{ relation }}
for each statement execute function {{ capture_function(source) }};
{%- endmacro %}

{# Requests of the models, for those alike in whose a row is to them at once. #}
{% macro _request_changed(source, models, rows, is_single=false) -%}
    {%- set capture = source.config.meta.capture -%}
    {%- set touched = _touched(capture) -%}
    {%- set alike = {} -%}
    {%- for model in models -%}
        {%- set tenant = capture.get('tenant') -%}
        {%- if tenant is mapping -%}
            {%- set tenant = tenant.get(model.tenant) -%}
        {%- endif -%}
        {%- set is_bounded = model.grain != 'all' and touched != [] -%}
        {%- do alike.setdefault((tenant or '', is_bounded), []).append(model) -%}
    {%- endfor -%}
    {%- for (tenant, is_bounded), readers in alike.items() -%}
        {%- set moments = touched if is_bounded else [] -%}
        {%- if is_single -%}
            {{ _requests_of_row(tenant, moments, rows, source, readers) }}
        {%- else -%}
            {{ _requests(tenant, moments, rows, _readers(source, readers)) }}
        {%- endif -%}
        {{- "\n        " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The pairs of moments between which a row touches something. #}
{% macro _touched(capture) -%}
    {%- set touched = [] -%}
    {%- for at in capture.get('at') or [] -%}
        {%- do touched.append((at, at)) -%}
    {%- endfor -%}
    {%- if capture.get('span') -%}
        {%- do touched.append((capture.span[0], capture.span[1])) -%}
    {%- endif -%}
    {%- if capture.get('from') -%}
        {%- do touched.append((capture['from'], 'null')) -%}
    {%- endif -%}
    {%- do return(touched) -%}
{%- endmacro %}

{# One request a model, tenant and UTC day (or pair of days, for a span). #}
{% macro _requests(tenant, touched, rows, readers) -%}
insert into orchestrator.refresh_queue (
            model, tenant, period, reason, at_once
        )
        select
            readers.model, touched.tenant, touched.period, reason, readers.at_once
        from (
            {% if touched -%}
            select
                {{ tenant or 'null::uuid' }} as tenant,
                tstzrange(min(lower(part.period)), max(upper(part.period)))
                    as period
            from {{ rows }} as changed
            cross join lateral {{ _parts(touched) }}
            where part.period is not null
            group by
                1,
                date_trunc('day', lower(part.period), 'UTC'),
                date_trunc('day', upper(part.period), 'UTC')
            {%- else -%}
            select distinct
                {{ tenant or 'null::uuid' }} as tenant,
                null::tstzrange as period
            from {{ rows }} as changed
            {%- endif %}
        ) as touched
        cross join {{ readers }}
        {%- if tenant %}
        where touched.tenant is not null
        {%- endif %};
{%- endmacro %}

{# One request a model and moment of a single row; what there is one of is no join. #}
{% macro _requests_of_row(tenant, touched, rows, source, models) -%}
{%- set is_one_model = models | length == 1 -%}
{%- set owner = _of_changed(tenant) if tenant -%}
{%- if touched | length > 1 -%}
    {%- set period, moment = 'part.period', 'part.period' -%}
{%- elif touched -%}
    {%- set period, moment = _touched_by(*touched[0]), _of_changed(touched[0][0]) -%}
{%- else -%}
    {%- set period, moment = 'null::tstzrange', none -%}
{%- endif -%}
insert into orchestrator.refresh_queue (
            model, tenant, period, reason, at_once
        )
        select
            {{ "'" ~ models[0].model ~ "'" if is_one_model else "readers.model" }},
            {{ owner or 'null::uuid' }},
            {{ period }},
            request.reason,
            {{ _is_at_once(source, models[0]) if is_one_model
                else "readers.at_once" }}
        from {{ rows }} as changed
        {%- if touched | length > 1 %}
        cross join lateral {{ _parts(touched) }}
        {%- endif %}
        {%- if not is_one_model %}
        cross join {{ _readers(source, models) }}
        {%- endif %}
        {%- for needed in (moment, owner) if needed %}
        {{ "where" if loop.first else "and" }} {{ needed }} is not null
        {%- endfor %};
{%- endmacro %}

{# The periods that a row touches, each for itself. #}
{% macro _parts(touched) -%}
(
                values
                {%- for first, last in touched %}
                ({{ _touched_by(first, last) }}){{ "," if not loop.last }}
                {%- endfor %}
            ) as part (period)
{%- endmacro %}

{% macro _touched_by(first, last) -%}
    orchestrator.touched({{ _of_changed(first) }}, {{ _of_changed(last) }})
{%- endmacro %}

{# A column of the row `changed`; an expression is about that row already. #}
{% macro _of_changed(value) -%}
    {{ 'changed.' ~ value if is_column_name(value) and value != 'null' else value }}
{%- endmacro %}

{% macro is_column_name(value) -%}
    {%- do return(modules.re.match('^[a-z_][a-z0-9_]*$', value) is not none) -%}
{%- endmacro %}

{% macro _request_everything(source, models) -%}
insert into orchestrator.refresh_queue (model, reason, at_once)
        select readers.model, reason, readers.at_once
        from {{ _readers(source, models) }};
{%- endmacro %}

{# The models that read a source, and which of them are to do so at once. #}
{% macro _readers(source, models) -%}
    (
            values
            {%- for model in models %}
            ('{{ model.model }}', {{ _is_at_once(source, model) }})
            {{- "," if not loop.last }}
            {%- endfor %}
        ) as readers (model, at_once)
{%- endmacro %}

{% macro _is_at_once(source, model) -%}
    {{ (source.name in model.at_once) | lower }}
{%- endmacro %}

{% macro capture_function(source) -%}
    orchestrator.{{ adapter.quote(
        'capture_' ~ source.source_name ~ '_' ~ source.name
    ) }}()
{%- endmacro %}

{% macro drop_capture(relation) -%}
    {%- for event in ('insert', 'update', 'delete', 'truncate') %}
    drop trigger if exists orchestrator_capture_{{ event }} on {{ relation }};
    {%- endfor -%}
{%- endmacro %}
