{# A name made of others, cut to the 63 bytes that a name has; a hash then tells it from
   others that begin like it. #}
{% macro fitting_name(name) -%}
    {%- do return(
        name if name | length <= 63 else name[:52] ~ '_' ~ local_md5(name)[:10]
    ) -%}
{%- endmacro %}
