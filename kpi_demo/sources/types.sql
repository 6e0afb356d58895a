-- The type that every domain's money columns, and the summaries', share.

create schema if not exists analytics;

do $$
begin
    if to_regtype('analytics.money_amount') is null then
        create domain analytics.money_amount as numeric(14, 2);
    end if;
end
$$;
