{# Row-level security on a summary table, where it is not on yet: doing it again
   would lock readers out for a moment. #}
{% macro protect_table() -%}
    {%- set is_protected = run_query(
        "select relrowsecurity from pg_class where oid = to_regclass('"
        ~ this.include(database=false) ~ "')"
    )[0][0] -%}
    {%- if not is_protected %}
        alter table {{ this }} enable row level security;
    {%- endif -%}
{%- endmacro %}
