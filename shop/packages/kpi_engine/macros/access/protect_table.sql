{# Post-hook of a summary table, in the transaction that wrote it: row-level
   security, policies and grants, as declared. Touches only what differs, for
   each of these locks readers out for a moment. #}
{% macro protect_table() -%}
    select {{ kpi_engine.runtime_schema() }}.protect('{{ model.name | replace("'", "''") }}');
{%- endmacro %}
