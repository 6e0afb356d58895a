-- For all later sessions, some time after the last of the rows.
do $$
begin
    execute format(
        'alter database %I set orchestrator.now = %L',
        current_database(), now() + interval '40 minutes'
    );
end
$$
