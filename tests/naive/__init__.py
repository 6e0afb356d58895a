"""Every summary table a second time, as plain queries over the source tables.

Written from what the tables are said to hold and not from the models, so that a
mistake in one is not a mistake in the other. Days are casts of local times to
dates here, states are looked up for each day, and nothing is incremental. Each
query's `%(now)s` is the moment as of which the table is to be.
"""

from naive import community, learning, plant, rental, restaurant

QUERIES = {
    **community.QUERIES,
    **restaurant.QUERIES,
    **rental.QUERIES,
    **learning.QUERIES,
    **plant.QUERIES,
}
