"""Workers as processes, a load of changes for them, and a webhook that listens."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
from projects import Workplace

PATIENCE = 120.0  # seconds: only a test that fails waits that long

# What an application does, with rows of its own choice. Deletes are few, so that
# there is always something left to change.
CHANGES = [
    """
    insert into community.access_logs (
        community_id, unit_id, entry_type, decision, occurred_at
    )
    select
        id, null, (array['visitor', 'staff'])[1 + (random() * 1.9)::integer % 2],
        'granted', now() - random() * interval '60 days'
    from community.communities order by random() limit 3
    """,
    """
    update community.access_logs
    set decision = case decision when 'granted' then 'denied' else 'granted' end
    where id in (select id from community.access_logs order by random() limit 2)
    """,
    """
    update community.access_logs
    set occurred_at = occurred_at - random() * interval '9 days'
    where id in (select id from community.access_logs order by random() limit 2)
    """,
    """
    delete from community.access_logs
    where id in (select id from community.access_logs order by random() limit 1)
    """,
    """
    insert into restaurant.calls (
        account_id, location_id, call_type, status, started_at
    )
    select account_id, id, 'order', 'completed', now() - random() * interval '9 days'
    from restaurant.locations order by random() limit 2
    """,
    """
    update restaurant.orders set total_amount = total_amount + 1
    where id in (select id from restaurant.orders order by random() limit 3)
    """,
    """
    update restaurant.account_settings
    set minutes_saved_baseline_seconds = 60 + (random() * 100)::integer
    where account_id in (
        select account_id from restaurant.account_settings
        order by random() limit 1
    )
    """,
]


def until(condition: Callable[[], Any], what: Callable[[], str] = str) -> None:
    """Wait for a condition; a test that waits too long fails, and says what is."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


@dataclass
class Worker:
    """A worker's process, and what it has said."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def says(self, *words: str) -> None:
        """Wait until each of these is among what it has said."""
        until(
            lambda: all(word in self.said for word in words) or self._must_live(),
            lambda: self.said,
        )

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def _must_live(self) -> bool:
        assert self.process.poll() is None, self.said
        return False


def start_worker(place: Workplace, *options: str) -> Worker:
    log = place.folder / f"worker-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "orchestrator.cli", "worker", *options]
    environment = {**os.environ, **place.environment}
    with log.open("wb") as lines:
        return Worker(subprocess.Popen(command, env=environment, stderr=lines), log)


@contextmanager
def workers(place: Workplace, count: int, *options: str) -> Iterator[list[Worker]]:
    """Workers that have been through the whole project once; killed if they live."""
    started = [start_worker(place, *options) for _ in range(count)]
    try:
        models = place.ask("select model from orchestrator.models")
        for each in started:
            each.says(*(model for (model,) in models))
        yield started
    finally:
        for each in started:
            each.process.kill()
            each.process.wait()


@contextmanager
def worker(place: Workplace, *options: str) -> Iterator[Worker]:
    """One such worker."""
    with workers(place, 1, *options) as (alone,):
        yield alone


def hurry(place: Workplace) -> None:
    """Let every change be one that is to be served at once."""
    place.ask(
        """
        create function public.hurry() returns trigger language plpgsql as $$
        begin new.immediate := true; return new; end $$;
        create trigger hurry before insert on orchestrator.refresh_queue
        for each row execute function public.hurry();
        """
    )


def is_served(place: Workplace) -> bool:
    """Whether nothing is asked for and nothing is under way."""
    return place.value(
        """
        select not exists (select from orchestrator.refresh_queue)
            and not exists (
                select from orchestrator.job_runs where status = 'running'
            )
            and not exists (select from orchestrator.model_status where is_due)
        """
    )


@contextmanager
def load(url: str, seed: int) -> Iterator[None]:
    """An application that changes its rows all the time, through every outage."""
    over = threading.Event()
    choice = random.Random(seed)

    def change() -> None:
        while not over.is_set():
            try:
                with psycopg.connect(url, autocommit=True) as connection:
                    while not over.wait(choice.random() / 10):
                        connection.execute(choice.choice(CHANGES))
            except psycopg.OperationalError:
                over.wait(0.1)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@dataclass
class Webhook:
    """A web server that takes notices, or answers with the statuses it is given."""

    answers: list[int] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    url: str = ""
    delay: float = 0.0


@contextmanager
def webhook(*answers: int) -> Iterator[Webhook]:
    """A webhook whose first answers are these, and 200 from then on."""
    hook = Webhook(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(hook.delay)
            status = hook.answers.pop(0) if hook.answers else 200
            if status == 200:
                hook.taken.append(body["text"])
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.url = f"http://127.0.0.1:{server.server_port}/secret"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()
