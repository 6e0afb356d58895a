"""Keeps the summary tables of a PostgreSQL database fresh, safe and watched."""

from importlib.metadata import version

__version__ = version("kpi-summaries")
