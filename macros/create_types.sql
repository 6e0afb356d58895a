{# On-run-start: the types that the summary tables' columns have. #}
{% macro create_types() -%}
    do $$
    begin
        if to_regtype('analytics.money_amount') is null then
            create schema if not exists analytics;
            create domain analytics.money_amount as numeric(14, 2);
            comment on domain analytics.money_amount is
            'An amount of money; made by kpi_summaries';
        end if;
    end
    $$
{%- endmacro %}
