{# The trigger function and the triggers on one source table. `meta.capture`:
     tenant  a column, or an expression over the row `changed`; none: all
     at      columns with the moments a row touches
     span    [from, to] columns: a row touches all between; to null: open
     from    a column: a row touches all from there on
   With none of these three a row touches its tenant's every period. #}
{% macro capture_trigger(source, models) -%}
{%- set relation = source_relation(source) -%}
{%- set columns = source.columns.keys() | join(', ') -%}
create or replace function {{ capture_function(source) }} returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
    reason text := 'source {{ relation }}';
    models constant text [] := array{{ _literals(models) }};
begin
    if tg_op = 'TRUNCATE' then
        {{ _request_everything() }}
    elsif tg_op = 'UPDATE' then
        {{ _request_changed(source, '(
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
    else
        {{ _request_changed(source, 'changed_rows') }}
    end if;
    return null;
exception when others then
    -- The application's write must not fail for a renamed column.
    reason := 'capture failed: ' || sqlerrm;
    {{ _request_everything() }}
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

{# One request a model, tenant and UTC day (or pair of days, for a span). #}
{% macro _request_changed(source, rows) -%}
{%- set capture = source.config.meta.capture -%}
{%- set tenant = capture.get('tenant') or 'null::uuid' -%}
{%- set touched = [] -%}
{%- for column in capture.get('at') or [] -%}
    {%- do touched.append('changed.' ~ column ~ ', changed.' ~ column) -%}
{%- endfor -%}
{%- if capture.get('span') -%}
    {%- do touched.append('changed.' ~ capture.span | join(', changed.')) -%}
{%- endif -%}
{%- if capture.get('from') -%}
    {%- do touched.append('changed.' ~ capture['from'] ~ ', null') -%}
{%- endif -%}
insert into orchestrator.refresh_queue (model, tenant, period, reason)
        select model, touched.tenant, touched.period, reason
        from (
            {% if touched -%}
            select
                {{ tenant }} as tenant,
                tstzrange(min(lower(part.period)), max(upper(part.period)))
                    as period
            from {{ rows }} as changed
            cross join lateral (
                values
                {%- for columns in touched %}
                (orchestrator.touched({{ columns }}))
                {{- "," if not loop.last }}
                {%- endfor %}
            ) as part (period)
            where part.period is not null
            group by
                1,
                date_trunc('day', lower(part.period), 'UTC'),
                date_trunc('day', upper(part.period), 'UTC')
            {%- else -%}
            select distinct
                {{ tenant }} as tenant,
                null::tstzrange as period
            from {{ rows }} as changed
            {%- endif %}
        ) as touched
        cross join unnest(models) as model
        {%- if capture.get('tenant') %}
        where touched.tenant is not null
        {%- endif %};
{%- endmacro %}

{% macro _request_everything() -%}
insert into orchestrator.refresh_queue (model, reason)
        select model, reason from unnest(models) as model;
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
