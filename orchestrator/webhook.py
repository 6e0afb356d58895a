"""The webhook: posts what the outbox `orchestrator.notices` holds.

A notice that cannot be posted stays there and is tried again later, by the process that
looks next. It goes out at least once: twice, if this process dies between the
answer and the note of it.
"""

from typing import Any
from urllib.parse import urlsplit

import requests
from psycopg import Connection

from orchestrator.errors import UsageError
from orchestrator.queries import query

VARIABLE = "ORCHESTRATOR_ALERT_WEBHOOK"
TIMEOUT = 5.0  # seconds


class NotDeliveredError(Exception):
    """The webhook did not take a notice; says why, without its secret address."""


def check(url: str) -> str:
    """Return the address of a webhook; raise UsageError where it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            "The webhook is no web address: give one that begins with https:// "
            f"in {VARIABLE} or --webhook."
        )
    return url


def deliver(connection: Connection[Any], url: str) -> str | None:
    """Post what waits, up to the first failure; return what that was."""
    failure = None
    while failure is None:
        with connection.transaction():
            notice = connection.execute(query("claim_notice")).fetchone()
            if notice is None:
                break
            noted = {"id": notice[0]}
            try:
                _post(url, notice[1])
            except NotDeliveredError as error:
                failure = str(error)
                connection.execute(query("notice_failed"), {**noted, "error": failure})
            else:
                connection.execute(query("notice_delivered"), noted)
    return failure


def _post(url: str, payload: dict[str, Any]) -> None:
    try:
        # A redirected POST would arrive as a GET, without what it says.
        answer = requests.post(
            url, json=payload, timeout=TIMEOUT, allow_redirects=False
        )
    except requests.Timeout as error:
        raise NotDeliveredError(f"no answer within {TIMEOUT:.0f} seconds") from error
    except requests.RequestException as error:
        raise NotDeliveredError(f"no connection ({type(error).__name__})") from error
    if not 200 <= answer.status_code < 300:
        raise NotDeliveredError(f"answered {answer.status_code} {answer.reason}")
