{# Whether no open request is about the tenant's days from `first_day` through
   `last_day`. A test asks it of the rows it finds wrong: what an open request
   is about may differ until the request is served. #}
{% macro has_no_open_request(model, tenant, first_day, last_day) -%}
    not exists (
        select from {{ kpi_engine.runtime_schema() }}.refresh_queue as requests
        where
            requests.model = '{{ model }}'
            and (requests.tenant = ({{ tenant }})::text) is not false
            and (
                requests.period
                && {{ kpi_engine.runtime_schema() }}.affected_range({{ first_day }}, {{ last_day }})
            ) is not false
    )
{%- endmacro %}
