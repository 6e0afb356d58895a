{# Post-hook of a summary table, in the transaction that wrote it: close the
   run, and leave the same SQL in the database as a function. #}
{% macro publish() -%}
    {%- if execute and is_summary(model) -%}
        select orchestrator.end_refresh('{{ model.name }}');
        alter table {{ this }} enable row level security;
        {% if not (flags.EMPTY or flags.SAMPLE) -%}
            {{ _compute_function() }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _compute_function() -%}
{%- set body -%}
begin
    {{ _claim(exists=true) }}
    if exists (select from pg_temp.claimed_periods) then
        {{ upsert_periods(this, model.compiled_code) }};
    end if;
end
{%- endset -%}
create or replace function orchestrator.{{ adapter.quote(
    'compute_' ~ model.name
) }}()
returns void
language plpgsql
set search_path = public, pg_temp
as $compute$
{#- A copy of the database under another name is to work, too. #}
{{ body | replace(adapter.quote(this.database) ~ '.', '') }}
$compute$;
{%- endmacro %}
