select shop_id, sum(revenue) as revenue
from {{ ref('orders_daily') }}
group by shop_id
