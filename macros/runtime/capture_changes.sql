{# On-run-start: triggers that request what a change of a source row touches.
   Which models, lineage says; whose and when, the source's `meta.capture`.
   A source with a `lookback` has none: see declare_models. One that lacks a table
   or a column waits: the models that read it say so. #}
{% macro capture_changes() -%}
    {%- if execute -%}
        {%- set sources = {} -%}
        {%- set readers = {} -%}
        {%- for node in graph.nodes.values() if is_summary(node) -%}
            {%- for source in lineage_of(node).sources
                if not source.config.meta.capture.get('lookback') -%}
                {%- set relation = source_relation(source) | string -%}
                {%- do sources.update({relation: source}) -%}
                {%- do readers.setdefault(relation, []).append(
                    summary_config(node)
                ) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set tables = tables_present() -%}
        {%- set installed = _installed_captures() -%}

        {%- for relation, source in sources.items()
            if not source_fault(source, tables.get(relation)) -%}
            {%- set models = readers[relation] | sort(attribute='model') -%}
            {%- set sql = capture_trigger(source, models) -%}
            {%- set capture = local_md5(
                tojson([source.config.meta.capture, source.columns | list])
            ) -%}
            {%- set version = capture ~ ' ' ~ local_md5(sql) -%}
            {%- set present = installed.get(relation, '') -%}
            {%- if present != version %}
                select pg_advisory_xact_lock(hashtext('orchestrator install'));
                -- Whoever writes waits behind a trigger that is being made.
                set local lock_timeout = '3s';
                do $capture$
                begin
                    {{ sql }}
                exception when lock_not_available then
                    raise exception 'The source table {{ relation }} is in use by '
                        'a transaction that does not end, so its triggers cannot '
                        'be made. Run this again when it has ended.'
                        using errcode = 'lock_not_available';
                end
                $capture$;
                comment on function {{ capture_function(source) }} is
                '{{ version }}';
                {% if not present.startswith(capture) -%}
                -- What changed before these triggers were here is not known.
                insert into orchestrator.refresh_queue (model, reason)
                select model, 'capture of {{ relation | replace('"', '') }}'
                from unnest({{ _names(models) }}) as model;
                {%- endif %}
                commit;
                begin;
            {%- endif -%}
        {%- endfor -%}

        {%- for relation in installed if relation not in sources %}
            {{ drop_capture(relation) }}
            commit;
            begin;
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# {relation: what its capture function's comment says} of the tables whose
   four triggers are there and enabled. #}
{% macro _installed_captures() -%}
    {%- set installed = {} -%}
    {%- for row in run_query("
        select
            format('%I.%I', nspname, relname) as relation,
            case
                when count(*) filter (where tgenabled <> 'D') = 4
                    then min(obj_description(tgfoid, 'pg_proc'))
            end as version
        from pg_trigger
        inner join pg_class on pg_class.oid = tgrelid
        inner join pg_namespace on pg_namespace.oid = relnamespace
        where tgname like 'orchestrator\\_capture\\_%'
        group by nspname, relname
    ") -%}
        {%- do installed.update({row[0]: row[1] or ''}) -%}
    {%- endfor -%}
    {%- do return(installed) -%}
{%- endmacro %}

{% macro _names(models) -%}
    array['{{ models | map(attribute='model') | join("', '") }}']::text []
{%- endmacro %}
