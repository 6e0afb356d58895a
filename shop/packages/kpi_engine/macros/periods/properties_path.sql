{# The YAML file that describes a model; its SQL file where there is none. #}
{% macro properties_path(node) -%}
    {%- do return((node.patch_path or node.original_file_path).split('://')[-1]) -%}
{%- endmacro %}
