create schema shop;
create table shop.stores (
    id uuid primary key default gen_random_uuid(),
    timezone text not null default 'Europe/Berlin',
    created_at timestamptz not null default now() - interval '30 days'
);
create table shop.members (store_id uuid, user_id uuid);
create table shop.sales (
    id bigserial primary key,
    store_id uuid not null references shop.stores,
    amount numeric not null,
    sold_at timestamptz not null
);
create table shop.suppliers (id bigserial primary key, name text);
insert into shop.stores select from generate_series(1, 3);
insert into shop.members select id, gen_random_uuid() from shop.stores;
insert into shop.suppliers (name) values ('Farm');
insert into shop.sales (store_id, amount, sold_at)
select id, 10 + hours, now() - hours * interval '1 hour'
from shop.stores, generate_series(1, 400) as hours;
