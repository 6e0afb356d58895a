{{ config(materialized='table') }}
select name from {{ source('shop', 'suppliers') }}
