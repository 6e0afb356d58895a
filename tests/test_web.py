"""The HTTP server of the status page, as a hostile network meets it."""

import socket
import threading
import time
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection

import pytest

from orchestrator import web
from orchestrator.errors import UsageError

TOKEN = "0123456789abcdef"


@contextmanager
def serving(**options):
    server = web.Server(
        web.Address(),
        lambda request: web.Answer.plain(HTTPStatus.OK, f"{request.path} it is"),
        open_paths=["/healthz"],
        **options,
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.url.rpartition(":")[2].rstrip("/"))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(port, path="/", method="GET", **headers):
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=given)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()


def test_a_name_that_somebody_else_may_own_is_not_answered():
    """A page that a browser shows can have its own name resolve to this machine."""
    with serving() as port:
        for host in ("localhost", f"localhost:{port}", "127.0.0.1", "[::1]:80"):
            assert ask(port, Host=host)[0] == 200
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example"):
            status, _, said = ask(port, Host=host)
            assert status == 421
            assert "it is" not in said


def test_with_a_token_only_those_who_have_it_are_answered():
    with serving(token=TOKEN) as port:
        assert ask(port)[0] == 401
        assert ask(port, Authorization="Bearer 0123456789abcdeX")[0] == 401
        assert ask(port, "/?token=wrong")[0] == 401
        assert ask(port, "/healthz")[0] == 200
        assert ask(port, Authorization=f"Bearer {TOKEN}")[0] == 200
        assert ask(port, Authorization=f"Bearer {TOKEN}", Host="kpi.example")[0] == 200

        status, headers, _ = ask(port, f"/tables?a=b&token={TOKEN}")
        assert (status, headers["Location"]) == (303, "/tables?a=b")
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert ask(port, Cookie=cookie.partition(";")[0])[0] == 200


def test_only_the_page_itself_may_ask_for_an_action():
    with serving() as port:
        assert ask(port, method="POST")[0] == 403
    with serving(token=TOKEN) as port:
        held = {"Cookie": f"{web.COOKIE}={TOKEN}"}
        assert ask(port, method="POST", Origin="http://evil.example", **held)[0] == 403
        assert ask(port, method="POST", Sec_Fetch_Site="cross-site", **held)[0] == 403
        assert ask(port, method="POST", Sec_Fetch_Site="same-origin", **held)[0] == 200
        assert ask(port, method="DELETE", **held)[0] == 405


def test_a_token_that_may_be_guessed_is_refused():
    assert web.check_token(TOKEN) == TOKEN
    for token in ("short", "spaces are not sent as they are", "ü" * 20):
        with pytest.raises(UsageError):
            web.check_token(token)


def test_paths_lead_nowhere_else():
    with serving() as port:
        for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd"):
            status, _, said = ask(port, path)
            assert status in (200, 400)
            assert "root:" not in said


def test_a_thousand_connections_at_once_are_all_answered():
    with serving() as port:
        waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
        try:
            results = []
            threads = [
                threading.Thread(target=lambda: results.append(ask(port)[0]))
                for _ in range(1000)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            for each in waiting:
                each.close()
    assert results == [200] * 1000


def test_a_client_that_sends_a_byte_now_and_then_is_sent_away(monkeypatch):
    monkeypatch.setattr(web, "DEADLINE", 1)
    with serving() as port, socket.create_connection(("127.0.0.1", port)) as slow:
        slow.settimeout(0.2)
        slow.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(100):
            try:
                slow.sendall(b"x")
                if slow.recv(1) == b"":
                    break
            except TimeoutError:
                time.sleep(0.1)
            except ConnectionError:
                break
        else:
            pytest.fail("It is still let in.")
