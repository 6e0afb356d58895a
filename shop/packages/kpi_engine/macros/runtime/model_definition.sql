{# A fingerprint of what a summary table computes, as an expression: of its
   refresh function, and of the views it reads as the database has them now.
   Where it differs from the last build's, every period is due. #}
{% macro model_definition() -%}
    md5('{{ local_md5(kpi_engine.compute_function()) }}' || coalesce(
        (
            select string_agg({{ kpi_engine.runtime_schema() }}.view_definition(view), '' order by view)
            from unnest(array[
                {%- for view in kpi_engine.lineage_of(model).views -%}
                '{{ view }}'{{ ", " if not loop.last }}
                {%- endfor -%}
            ]::text []) as view
        ), ''
    ))
{%- endmacro %}
