{# So many of something in words: `no units`, `1 unit`, `1,234 units`. #}
{% macro number_of(count, thing) -%}
    case {{ count }}
        when 0 then 'no {{ thing }}s'
        when 1 then '1 {{ thing }}'
        else to_char({{ count }}, 'FM9,999,999,990') || ' {{ thing }}s'
    end
{%- endmacro %}
