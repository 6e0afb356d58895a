{# Whether clients may be given a model to read; the rest is internal. #}
{% macro is_published(node) -%}
    {%- do return(
        kpi_engine.is_production() and node.schema != kpi_engine.runtime_schema()
    ) -%}
{%- endmacro %}
