"""A real PostgreSQL for tests: its own folder, a socket instead of a port, gone when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

SUPERUSER = "wallpapers"


class PostgreSQL:
    """A server that runs; ``new_database()`` gives the address of an empty one."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._process = process

    def stop(self) -> None:
        """End the server, and every connection."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def new_database(self, password: str = "unused") -> str:
        """Make a database, and return its URL; whatever password is given, is taken."""
        name = f"db_{uuid4().hex}"
        with psycopg.connect(self._address("postgres", password), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self._address(name, password)

    def _address(self, database: str, password: str) -> str:
        return f"postgresql://{SUPERUSER}:{password}@/{database}?host={self._folder}"


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Start a server that forgets everything at the end. It refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="wallpapers-postgresql-"))
    as_user: dict[str, Any] = {"cwd": folder}
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    programs = _programs()
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "-N"],
        check=True,
        stdout=subprocess.DEVNULL,
        **as_user,
    )
    rules = data / "pg_hba.conf"  # the first that fits counts: one user needs a password
    rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
    options = ("-D", data, "-k", folder, "-F", "-c", "listen_addresses=", "-c", "log_statement=all")
    log = (folder / "log").open("w")
    server = subprocess.Popen([programs / "postgres", *options], stdout=log, stderr=log, **as_user)
    try:
        _wait_for(folder / "data" / "postmaster.pid", server)
        yield PostgreSQL(folder, server)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()
        log.close()
        shutil.rmtree(folder)


def _wait_for(pid_file: Path, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server says in its own file that it is ready."""
    while server.poll() is None:
        if pid_file.exists() and "ready" in pid_file.read_text():
            return
    raise RuntimeError("PostgreSQL did not start")


def _programs() -> Path:
    """Return where Debian, or whoever else, has put the server's programs."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
