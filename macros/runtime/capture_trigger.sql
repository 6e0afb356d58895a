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
set search_path = ''
as $$
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
        -- One row, as most statements write: to group it would cost as much again.
        {{ _request_changed(source, models, 'changed_rows', is_single=true) }}
    end if;
    return null;
exception when others then
    -- The application's write must not fail for a renamed column.
    reason := 'capture failed: ' || sqlerrm;
    {{ _request_everything(source, models) }}
    return null;
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
        {{ _requests(
            tenant,
            touched if is_bounded else [],
            rows,
            _readers(source, readers),
            is_single
        ) }}
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

{# One request a model, tenant and UTC day (or pair of days, for a span); of a
   single row, one for each of its moments. #}
{% macro _requests(tenant, touched, rows, readers, is_single) -%}
insert into orchestrator.refresh_queue (
            model, tenant, period, reason, at_once
        )
        select
            readers.model, touched.tenant, touched.period, reason, readers.at_once
        from (
            {% if touched -%}
            select
                {{ tenant or 'null::uuid' }} as tenant,
                {% if is_single -%}
                part.period
                {%- else -%}
                tstzrange(min(lower(part.period)), max(upper(part.period)))
                    as period
                {%- endif %}
            from {{ rows }} as changed
            cross join lateral (
                values
                {%- for first, last in touched %}
                (orchestrator.touched(
                    {{ _of_changed(first) }}, {{ _of_changed(last) }}
                )){{ "," if not loop.last }}
                {%- endfor %}
            ) as part (period)
            where part.period is not null
            {%- if not is_single %}
            group by
                1,
                date_trunc('day', lower(part.period), 'UTC'),
                date_trunc('day', upper(part.period), 'UTC')
            {%- endif %}
            {%- else -%}
            select {{ "distinct" if not is_single }}
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
            ('{{ model.model }}', {{ (source.name in model.at_once) | lower }})
            {{- "," if not loop.last }}
            {%- endfor %}
        ) as readers (model, at_once)
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
