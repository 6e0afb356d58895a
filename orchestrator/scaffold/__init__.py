"""Writes dbt projects: what one needs for summary tables, and its first tables."""
