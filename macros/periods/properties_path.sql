{# The YAML file that describes a model. #}
{% macro properties_path(node) -%}
    {%- do return((node.patch_path or '').split('://')[-1]) -%}
{%- endmacro %}
