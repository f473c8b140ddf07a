"""Programs that read datasets: they are in an environment of their own, see `make readers`."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.e2e.command import PROJECT, TIMEOUT_S

_PYTHON = PROJECT / ".venv-readers" / "bin" / "python"

needs_readers = pytest.mark.skipif(not _PYTHON.exists(), reason="no .venv-readers: make readers")


def run_reader(program: str, folder: Path, *words: str) -> str:
    """Run a Python *program* in *folder*, without network access; return its output."""
    # A short path, as sockets need; Ray may still write into it when it ends.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        own = {
            "HOME": home,
            "HF_HOME": home,
            "RAY_TMPDIR": home,
            "HF_HUB_OFFLINE": "1",
            "HF_DATASETS_OFFLINE": "1",
            "PYTHONUTF8": "1",
        }
        result = subprocess.run(
            [_PYTHON, "-c", program, *words],
            cwd=folder,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    return result.stdout
