"""Numbers, times and cadences as people read them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def ago(now: datetime, then: datetime | None) -> str:
    """Return how long ago something was."""
    return "never" if then is None else f"{format_duration(now - then)} ago"


def format_duration(length: timedelta) -> str:
    """Return a length of time in its largest unit."""
    seconds = max(length.total_seconds(), 0)
    for unit, size, limit in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48)):
        if seconds / size < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


def duration(taken: timedelta | None) -> str:
    """Return how long something took."""
    if taken is None:
        return ""
    seconds = taken.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def count(number: int | None) -> str:
    """Return a number as people write it."""
    return "" if number is None else f"{number:,}"


def pluralize(number: int | None, one: str, many: str | None = None) -> str:
    """Return a number of things."""
    return f"{number or 0:,} {one if number == 1 else many or one + 's'}"


def cadence(declared: Mapping[str, Any]) -> str:
    """Return how often a summary table is refreshed, by what its YAML says."""
    every = str(declared["every"])
    day, _, time = str(declared.get("at") or "").rpartition(" ")
    if every == "week" and day:
        words = f"every {day.capitalize()} at {time}"
    elif every == "month" and day:
        words = f"every month, day {day} at {time}"
    else:
        words = f"every {every}" + (f" at {time}" if time else "")
    if between := declared.get("between"):
        words += f" from {between[0]} to {between[1]}"
    if timezone := declared.get("timezone"):
        words += f" ({timezone})"
    if otherwise := declared.get("otherwise"):
        words += f", else every {otherwise}"
    return words
