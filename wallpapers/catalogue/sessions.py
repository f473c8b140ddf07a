"""Record which programs have an SQLite catalogue open, to detect one that was not closed.

A program that writes has a row while it has the catalogue open. If the program is killed, its row
remains; the file is intact, because the operating system has the written data. Only a crash of the
system can damage it. So a catalogue is checked if it has a row of an earlier boot of the system,
which the column ``boot`` names.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from secrets import token_hex

from sqlalchemy import Connection, delete, select, update

from wallpapers.catalogue.schema import sessions

_UNKNOWN = "unknown"  # the boot of a catalogue that is to be checked in any case


class Session:
    """The row of this program in ``sessions``."""

    def __init__(self, connection: Connection) -> None:
        self._token = token_hex(8)
        row = {"token": self._token, "boot": boot_id() or _UNKNOWN}
        connection.execute(sessions.insert(), row)

    def end(self, connection: Connection) -> None:
        """Remove the row: this program has closed the catalogue properly."""
        connection.execute(delete(sessions).where(sessions.c.token == self._token))

    def mark_damaged(self, connection: Connection) -> None:
        """Mark the catalogue to be checked when it is next opened, because damage was reported."""
        mine = sessions.c.token == self._token
        connection.execute(update(sessions).where(mine).values(boot=_UNKNOWN))


def left_open(connection: Connection) -> list[str]:
    """Return the tokens of programs that had the catalogue open when the system crashed."""
    left = select(sessions.c.token).where(sessions.c.boot != boot_id())
    return list(connection.execute(left).scalars())


def remove(connection: Connection, tokens: list[str]) -> None:
    """Remove the rows of *tokens*, since the catalogue was checked."""
    connection.execute(delete(sessions).where(sessions.c.token.in_(tokens)))


@cache
def boot_id() -> str:
    """Return the id of the current boot of the system; "" if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        pass
    try:  # macOS
        command = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")
        return subprocess.check_output(command, text=True).strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
