{# A relation of the times `tested` (`tested_from` to `tested_until`, apart from
   each other) in which all lies that a row to be tested is counted from. #}
{% macro around_tested(summary, time) -%}
    {%- set step = '1 ' ~ summary.grain
        if summary.grain in ('day', 'week', 'month') else summary.grain -%}
    (
        select
            coalesce(lower(part), '-infinity') as tested_from,
            coalesce(upper(part), 'infinity') as tested_until
        from unnest((
            select range_agg(tstzrange(
                lower(changed) - interval '{{ step }}' - interval '3 days',
                upper(changed) + interval '{{ step }}' + interval '3 days'
            ))
            from unnest('{{ time.time }}'::tstzmultirange) as changed
        )) as part
    ) as tested
{%- endmacro %}
