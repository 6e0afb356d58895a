{# A text as a string of SQL. #}
{% macro literal(value) -%}
    {%- do return("'" ~ value | replace("'", "''") ~ "'") -%}
{%- endmacro %}
