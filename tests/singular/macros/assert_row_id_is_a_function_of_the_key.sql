with cases as (
    select
        {{ kpi_engine.row_id(["'a'::text", "date '2026-06-10'", '7']) }} as id,
        {{ kpi_engine.row_id(["'a'::text", "date '2026-06-11'", '7']) }} as other_date,
        {{ kpi_engine.row_id(["'ab'::text", "'c'::text"]) }} as split_late,
        {{ kpi_engine.row_id(["'a'::text", "'bc'::text"]) }} as split_early,
        {{ kpi_engine.row_id(["'7'::text"]) }} as as_text,
        {{ kpi_engine.row_id(['7']) }} as as_number
)

select *
from cases
where
    id <> md5('["a", "2026-06-10", 7]')::uuid
    or id = other_date
    or split_late = split_early
    or as_text = as_number
