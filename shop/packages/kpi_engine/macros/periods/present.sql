{# The instant a refresh calls "now": the moment at which it had the model's lock.
   Outside of a refresh it is the transaction's; to rehearse the clock in a test, it
   is the setting orchestrator.now. #}
{% macro present() -%}
    coalesce(
        nullif(current_setting('{{ kpi_engine.runtime_schema() }}.now', true), '')::timestamptz,
        nullif(current_setting('{{ kpi_engine.runtime_schema() }}.present', true), '')::timestamptz,
        now()
    )
{%- endmacro %}
