{# A uuid that is a pure function of a row's key, so that a rebuild gives the
   same ids. JSON writes dates alike whatever the session's DateStyle. #}
{% macro row_id(key) -%}
    md5(jsonb_build_array({{ key | join(', ') }})::text)::uuid
{%- endmacro %}
