{# A model's relation without the database's name: "schema"."name". #}
{% macro relation_of(node) -%}
    {%- do return(api.Relation.create(
        schema=node.schema, identifier=node.alias
    )) -%}
{%- endmacro %}
