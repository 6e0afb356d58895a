"""The demo: five businesses' source tables, and years of life in them."""
