-- A shop's orders (bigint keys, users too), payments of accounts (text keys), and visits
-- that are nobody's in particular.
create schema shop;
create table shop.shops (
    id bigint generated always as identity primary key,
    tz text not null default 'Europe/Berlin',
    opened_at timestamptz not null default now() - interval '30 days'
);
create table shop.customers (
    id bigint generated always as identity primary key,
    shop_id bigint not null references shop.shops on delete cascade,
    joined_at timestamptz not null
);
create table shop.orders (
    id bigint generated always as identity primary key,
    shop_id bigint not null references shop.shops on delete cascade,
    customer_id bigint references shop.customers on delete cascade,
    total numeric not null,
    ordered_at timestamptz not null
);
create table shop.staff (shop_id bigint, user_id integer, role text);
create table shop.suppliers (id bigserial primary key, name text);

create schema billing;
create table billing.accounts (id varchar(40) primary key, created_at timestamptz);
create table billing.owners (account_id text, login text);
create table billing.charges (
    id text primary key,
    account_id varchar(40) not null references billing.accounts on delete cascade,
    amount bigint not null,
    created_at timestamptz not null
);

create schema web;
create table web.visits (id bigserial primary key, seen_at timestamptz not null);

insert into shop.shops (tz)
values ('Europe/Berlin'), ('America/New_York'), ('Asia/Kolkata');
insert into shop.customers (shop_id, joined_at)
select shops.id, now() - days * interval '1 day'
from shop.shops as shops, generate_series(1, 20) as days;
insert into shop.orders (shop_id, customer_id, total, ordered_at)
select customers.shop_id, customers.id, 10 + hours, now() - hours * interval '7 hours'
from shop.customers as customers, generate_series(1, 60) as hours
where (customers.id + hours) % 5 = 0;
insert into shop.staff (shop_id, user_id, role)
select id, 100 + id, 'manager' from shop.shops;
insert into shop.staff (shop_id, user_id, role) values (1, 900, 'cleaner');
insert into shop.suppliers (name) values ('Farm');

insert into billing.accounts (id, created_at)
select 'acct_' || name, now() - interval '20 days'
from unnest(array['Zoë', 'O''Brien', 'a,b', '42']) as name;
insert into billing.owners (account_id, login)
select id, 'owner of ' || id from billing.accounts;
insert into billing.charges (id, account_id, amount, created_at)
select
    'ch_' || hours || accounts.id, accounts.id, hours, now() - hours * interval '11 hours'
from billing.accounts as accounts, generate_series(1, 40) as hours;

insert into web.visits (seen_at)
select now() - minutes * interval '37 minutes' from generate_series(1, 600) as minutes;
