select store_id, sum(revenue) as revenue
from {{ ref('sales_daily') }}
group by store_id
