with daily_summaries as (
    select * from {{ ref('daily_summaries') }}
),

-- With plain numbers for words and thousands.
plain as materialized (
    select
        *,
        replace(
            regexp_replace(smart_summary_text, '(\d),(\d)', '\1\2', 'g'),
            ' no ',
            ' 0 '
        ) as words
    from daily_summaries
),

read_back as (
    select
        *,
        (regexp_match(words, ' made (-?\d+) '))[1]::numeric as good,
        (regexp_match(words, ' target of (\d+)'))[1]::numeric as planned,
        (regexp_match(words, 'OEE (\d+\.\d\d) '))[1]::numeric as oee,
        (regexp_match(words, ' wasted (-?\d+) '))[1]::numeric as waste,
        (regexp_match(words, ' lost (-?\d+) '))[1]::numeric as down,
        (regexp_match(words, ' loss of \$(\d+\.\d\d)'))[1]::numeric as loss
    from plain
),

different as (
    select
        asset_id,
        report_date,
        smart_summary_text
    from read_back
    where
        words !~ (
            '^.+ made (1 good unit|-?\d+ good units)'
            || '( against a target of \d+| without a target)'
            || '( \(OEE \d+\.\d\d %\))?'
            || ', wasted (1 unit|-?\d+ units)'
            || ' and lost (0 minutes to downtime'
            || '|(1 minute|\d+ minutes) to downtime \(longest reason: .+\))'
            || '(, a loss of \$\d+\.\d\d)?\.$'
        )
        or good is distinct from actual_output
        or planned is distinct from target_output
        or oee is distinct from oee_percentage
        or waste is distinct from waste_count
        or (abs(down - downtime_minutes) < 1) is not true
        or (down > 0) is distinct from (words like '%(longest reason: %')
        or coalesce(loss, 0) <> greatest(financial_loss_dollars, 0)
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'daily_summaries',
    'different.asset_id',
    'different.report_date',
    'different.report_date'
) }}
