"""Find what a machine may have beside PyPI's packages: `make test-all` uses it."""

from __future__ import annotations

import shutil
from pathlib import Path


def find(name: str) -> Path | None:
    """Return where a program is, or a file or folder that *name* is the path of; None = nowhere."""
    if name.startswith("/"):
        return Path(name) if Path(name).exists() else None
    found = shutil.which(name) or shutil.which(name, path=":".join(_outside_of_path()))
    return Path(found) if found else None


def _outside_of_path() -> list[str]:
    """Return where Debian has PostgreSQL's server, the newest first, and what is in root's PATH."""
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(versions, key=lambda path: float(path.parent.name), reverse=True)
    return [*map(str, newest_first), "/usr/local/sbin", "/usr/sbin"]
