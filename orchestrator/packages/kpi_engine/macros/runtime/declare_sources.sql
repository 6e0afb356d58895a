{# On-run-start: tell the database which source tables the models read, and how their
   changes are to be noticed. #}
{% macro declare_sources() -%}
    {%- if execute -%}
        {%- set declared = [] -%}
        {%- for relation, entry in kpi_engine.source_readers().items() -%}
            {%- set capture = entry.source.config.meta.get('capture') or {} -%}
            {%- set affected = kpi_engine._affected(capture) -%}
            {%- do declared.append({
                'relation': relation,
                'capture_by': kpi_engine.capture_by(entry.source),
                'is_replicated': capture.get('replicated', false),
                'version_column': capture.get('version'),
                'overlap': capture.get('overlap', '10 minutes'),
                'moments': affected | map('first') | list,
                'readers': entry.models | map(attribute='model') | list,
                'generated_name': kpi_engine.generated_name(entry.source),
            }) -%}
        {%- endfor -%}
        {%- set names = [
            'relation', 'capture_by', 'is_replicated', 'version_column', 'overlap',
            'moments', 'readers', 'generated_name',
        ] -%}
        with declared as (
            select {{ names | join(', ') }}
            from jsonb_populate_recordset(
                null::{{ kpi_engine.runtime_schema() }}.sources, {{ kpi_engine.literal(tojson(declared)) }}
            )
        ),

        deleted as (
            delete from {{ kpi_engine.runtime_schema() }}.sources
            where relation not in (select declared.relation from declared)
        ),

        deleted_versions as (
            delete from {{ kpi_engine.runtime_schema() }}.source_versions as versions
            where not exists (
                select from declared
                where
                    declared.relation = versions.relation
                    and declared.capture_by = 'version'
                    and versions.model = any(declared.readers)
            )
        )

        insert into {{ kpi_engine.runtime_schema() }}.sources as sources ({{ names | join(', ') }})
        select {{ names | join(', ') }} from declared
        on conflict (relation) do update set
            -- What is noticed otherwise has other functions.
            installed = case
                when sources.capture_by = excluded.capture_by then sources.installed
            end,
            {%- for name in names if name != 'relation' %}
            {{ name }} = excluded.{{ name }}{{ "," if not loop.last }}
            {%- endfor %}
        where
            ({{ kpi_engine._list('sources', names) }})
            is distinct from ({{ kpi_engine._list('excluded', names) }});
        commit;
        begin;
    {%- endif -%}
{%- endmacro %}
