"""A server that sends given bytes unchanged, even if they are not valid HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self


class RawServer:
    """Answers ``GET /<name>`` with the bytes of that name; use it as a context manager.

    ``heads`` holds the heads of the requests, ``connections`` is their number. A connection is
    kept if ``keeps`` is True.
    """

    def __init__(self, answers: Mapping[str, bytes], *, keeps: bool = False) -> None:
        self.answers = dict(answers)
        self.heads: list[bytes] = []
        self.connections = 0
        self._keeps = keeps
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def address(self, name: str) -> str:
        """Return the address of an answer."""
        return f"{self.origin}/{name}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            while True:
                head = b""
                while (line := lines.readline()) not in (b"\r\n", b""):
                    head += line
                if not head:
                    return
                self.heads.append(head)
                name = head.split()[1].decode().rpartition("/")[2].partition("?")[0]
                try:
                    connection.sendall(self.answers[name])
                except OSError:
                    return
                if not self._keeps:
                    return


def answer(body: bytes, *headers: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Return a response that is whole by its Content-Length."""
    return b"\r\n".join((status, b"Content-Length: %d" % len(body), *headers, b"", body))
