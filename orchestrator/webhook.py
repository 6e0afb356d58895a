"""Alerts: posts what the outbox `orchestrator.notices` holds.

A notice that cannot be posted stays there and is tried again later, by the process that
looks next. It goes out at least once: twice, if this process dies between the
answer and the note of it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from psycopg import Connection

from orchestrator.errors import UsageError
from orchestrator.queries import query

VARIABLE = "ORCHESTRATOR_ALERT_WEBHOOK"
SECRET = "ORCHESTRATOR_ALERT_SECRET"
PAGE = "ORCHESTRATOR_PAGE_URL"
TIMEOUT = 5.0  # seconds

# How each kind of message is coloured where a service has colours.
TYPES = {"critical": "failure", "warning": "warning", "resolved": "success"}


class NotDeliveredError(Exception):
    """The webhook did not take a notice; says why, without its secret address."""


@dataclass(frozen=True)
class Delivery:
    """What came of posting what waited: how many went out, and the first failure."""

    delivered: int
    failure: str | None


def check(url: str) -> str:
    """Return where to post incidents; raise UsageError where that makes no sense.

    An address of the web is sent JSON, unless it is that of a service which apprise
    knows (Slack, Teams, Discord, …) or written as apprise does (`pagerduty://…`).
    """
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname:
        return url
    if parts.scheme and "://" in url and _service(url) is not None:
        return url
    raise UsageError(
        "The webhook is no web address and no service that apprise knows: give one "
        f"that begins with https://, or slack://, pagerduty://, …, in {VARIABLE} or "
        "--webhook."
    )


def deliver(connection: Connection[Any], url: str, environment: str = "") -> Delivery:
    """Post what waits, up to the first failure.

    `environment` says which of several databases of the name it is about.
    """
    failure = None
    delivered = 0
    while failure is None:
        with connection.transaction():
            notice = connection.execute(query("claim_notice")).fetchone()
            if notice is None:
                break
            noted = {"id": notice[0]}
            try:
                _post(
                    url, {**notice[1], "environment": environment, **_link(notice[1])}
                )
            except NotDeliveredError as error:
                failure = str(error)
                connection.execute(query("notice_failed"), {**noted, "error": failure})
            else:
                connection.execute(query("notice_delivered"), noted)
                delivered += 1
    return Delivery(delivered, failure)


def _link(notice: Mapping[str, Any]) -> dict[str, str]:
    """Return where the table's page is, if that is said."""
    page = os.environ.get(PAGE, "").rstrip("/")
    table = notice.get("table")
    if not page:
        return {}
    return {"link": f"{page}/tables/{table}" if table else f"{page}/"}


def _post(url: str, notice: dict[str, Any]) -> None:
    if (service := _service(url)) is not None:
        _notify(service, notice)
        return
    import requests

    secret = os.environ.get(SECRET)
    try:
        # A redirected POST would arrive as a GET, without what it says.
        answer = requests.post(
            url,
            json=notice,
            headers={"Authorization": f"Bearer {secret}"} if secret else None,
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except requests.Timeout as error:
        raise NotDeliveredError(f"no answer within {TIMEOUT:.0f} seconds") from error
    except requests.RequestException as error:
        raise NotDeliveredError(f"no connection ({type(error).__name__})") from error
    if not 200 <= answer.status_code < 300:
        raise NotDeliveredError(f"answered {answer.status_code} {answer.reason}")


@cache
def _service(url: str) -> Any:  # noqa: ANN401 - apprise has no types
    """Return the service of a message that apprise knows an address of, if it does."""
    import apprise

    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    # Any address of the web is one of Apprise's own, to which we post ourselves.
    if service is None or service.secure_protocol in ("https", "jsons"):
        return None
    service.socket_connect_timeout = service.socket_read_timeout = TIMEOUT
    return service


def _notify(service: Any, notice: Mapping[str, Any]) -> None:  # noqa: ANN401
    lines = [notice["text"]]
    for name, value in (
        ("Since", notice.get("since")),
        ("Do", notice.get("command")),
        ("Page", notice.get("link")),
    ):
        if value:
            lines.append(f"{name}: {value}")
    where = " ".join(filter(None, (notice.get("database"), notice["environment"])))
    level = "resolved" if notice["event"] == "closed" else notice["severity"]
    taken = service.notify(
        title=f"{level}: {notice['table']} ({where})",
        body="\n".join(lines),
        notify_type=TYPES[level],
    )
    if not taken:
        raise NotDeliveredError(f"{service.service_name} did not take it")
