{# Whether this run reads less than there is (`--empty`, `--sample`): what it
   computes must neither replace what is there nor stay in the database. #}
{% macro is_partial_run() -%}
    {%- do return(
        flags.EMPTY or invocation_args_dict.get('sample') is not none
    ) -%}
{%- endmacro %}
