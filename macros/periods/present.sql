{# The instant a refresh calls "now": the transaction's, or, to rehearse the
   clock in a test, the setting orchestrator.now. #}
{% macro present() -%}
    coalesce(
        nullif(current_setting('orchestrator.now', true), '')::timestamptz,
        now()
    )
{%- endmacro %}
