-- How large the queue is, and what has ever been written to temporary files.
select
    pg_total_relation_size('orchestrator.refresh_queue'),
    (
        select temp_bytes from pg_stat_database
        where datname = current_database()
    )
