{# Bring the model's table to its contract, before its rows are computed or (is_last)
   after that: see runtime_contract. Returns whether it was there already. #}
{% macro meet_contract(is_last) -%}
    {%- set columns = get_table_columns_and_constraints() -%}
    {%- set indexes = config.get('indexes') or [] -%}
    {%- set declared = local_md5(columns ~ tojson(indexes)) -%}
    {%- set relation = kpi_engine.literal(this.include(database=false)) -%}
    {%- set empty = 'pg_temp.' ~ adapter.quote(model.name) -%}
    {%- set is_met = run_query("
        select " ~ kpi_engine.runtime_schema() ~ ".meets_contract(
            " ~ kpi_engine.literal(model.name) ~ ", " ~ relation ~ ", '" ~ declared ~ "'
        )
    ")[0][0] -%}
    {%- if not is_met -%}
        {%- set sql -%}
            create temporary table {{ adapter.quote(model.name) }} {{ columns }};
            {%- for index in indexes %}
            create {{ 'unique' if index.get('unique') }} index on {{ empty }}
            using {{ index.get('type', 'btree') }} ({{ index.columns | join(', ') }});
            {%- endfor %}
            select {{ kpi_engine.runtime_schema() }}.meet_contract(
                {{ kpi_engine.literal(model.name) }}, {{ relation }}, {{ kpi_engine.literal(empty) }},
                '{{ declared }}', {{ is_last | lower }}
            );
        {%- endset -%}
        {%- set kept = run_query(sql)[0][0] -%}
        {%- do run_query('drop table ' ~ empty) -%}
        {%- if kept and is_last -%}
            {%- do exceptions.warn(kept) -%}
        {%- endif -%}
    {%- endif -%}
    {%- do return(is_met) -%}
{%- endmacro %}

{# dbt's own, but for a summary table, whose indexes its contract makes: these are
   named after its columns, and follow what its YAML says. #}
{% macro postgres__get_create_index_sql(relation, index_dict) -%}
    {%- if not kpi_engine.is_summary(model) -%}
        {{ dbt.postgres__get_create_index_sql(relation, index_dict) }}
    {%- endif -%}
{%- endmacro %}

{# {name, definition, reference} of a model's foreign keys, for orchestrator.models.
   They may name a source table as `source.table`, and follow a key that changes. #}
{% macro foreign_keys_of(node) -%}
    {%- set found = [] -%}
    {%- for key in node.constraints
        | selectattr('type', 'equalto', 'foreign_key')
        if kpi_engine.is_production() -%}
        {%- set definition = namespace(
            text=adapter.render_raw_model_constraints([key])[0], reference=none
        ) -%}
        {%- for source in graph.sources.values() -%}
            {%- set names = [source.source_name, source.name] -%}
            {#- As the expression has it, as `to` in YAML, and as dbt makes of that. -#}
            {%- set named = '\\breferences ('
                ~ names | join('\\.') ~ '\\b|'
                ~ 'source\\(.' ~ names | join('., *.') ~ '.\\)|'
                ~ '("[^"]+"\\.)?"' ~ source.schema ~ '"\\."' ~ source.identifier ~ '")'
            -%}
            {%- if modules.re.search(named, definition.text) -%}
                {%- set definition.reference = kpi_engine.source_relation(source) -%}
                {%- set definition.text = modules.re.sub(
                    named, 'references ' ~ definition.reference, definition.text
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        {#- No key of ours keeps the application from what it does. -#}
        {%- for event in ['on delete', 'on update']
            if not modules.re.search('\\b' ~ event ~ '\\b', definition.text) -%}
            {%- set definition.text = definition.text ~ ' ' ~ event ~ ' cascade' -%}
        {%- endfor -%}
        {%- do found.append({
            'name': kpi_engine.fitting_name(
                node.name ~ '_' ~ key.columns | join('_') ~ '_fkey'
            ),
            'definition': definition.text,
            'reference': definition.reference,
        }) -%}
    {%- endfor -%}
    {%- do return(found) -%}
{%- endmacro %}
