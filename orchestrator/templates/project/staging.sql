select
[%- for column in columns %]
    [[ column.quoted ]][% if column.quoted != column.alias %] as [[ column.alias ]][% endif %][[ ',' if not loop.last ]]
[%- endfor %]
from {{ source('[[ source ]]', '[[ table.name ]]') }}
