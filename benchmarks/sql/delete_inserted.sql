-- With the triggers: they ask for the days of what was inserted without them.
delete from restaurant.calls where id > %(last)s;
