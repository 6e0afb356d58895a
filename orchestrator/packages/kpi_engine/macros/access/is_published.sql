{# Whether clients may be given a model to read; the rest is internal. #}
{% macro is_published(node) -%}
    {%- do return(node.schema != 'orchestrator') -%}
{%- endmacro %}
