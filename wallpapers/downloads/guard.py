"""Keep the addresses of listings and redirects out of private networks.

The IP address of the connection decides: a name may resolve to another address each time, and a
numeric address has many spellings. So the last check is made when the socket is created.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

from aiohttp.abc import AbstractResolver, ResolveResult
from scrapy.exceptions import IgnoreRequest

from wallpapers.downloads.networks import is_public

if TYPE_CHECKING:
    from socket import AddressFamily
    from urllib.parse import ParseResult

    from aiohttp.connector import AddrInfoType

T = TypeVar("T")

# Scheme, host and port of an address, which determine the server.
Origin = tuple[str, str, int]

_MAX_LOOKUPS = 32
_RESOLVE_TIMEOUT_S = 10
_PORTS = {"http": 80, "https": 443}


class PrivateAddressError(IgnoreRequest):
    """An address leads to a network that is not public."""

    def __init__(self, host: str, address: str) -> None:
        shown = host if host == address else f"{host} ({address})"
        super().__init__(
            f"not a public address: {shown}; set WALLPAPERS_ALLOW_PRIVATE_ADDRESSES=True to allow "
            "it"
        )


def origin(parts: ParseResult) -> Origin:
    """Return scheme, host and port of an http(s) address, in one spelling."""
    host = (parts.hostname or "").rstrip(".").lower()
    return parts.scheme, host, parts.port or _PORTS.get(parts.scheme, 0)


def refuse_private_literal(host: str) -> None:
    """Raise PrivateAddressError if *host* is a numeric address that is not public.

    Decimal, hexadecimal, octal, short and full-width spellings are parsed as the system does.
    """
    plain = unicodedata.normalize("NFKC", host).strip("[]").rstrip(".")
    address = plain
    if ":" not in plain:
        try:
            address = socket.inet_ntoa(socket.inet_aton(plain))
        except OSError:
            return  # a name: its addresses are checked when it is resolved
    if not is_public(address):
        raise PrivateAddressError(host, address)


def guarded_socket(info: AddrInfoType) -> socket.socket:
    """Create the socket for a connection to a public address.

    Raises PrivateAddressError. As this is not an OSError, aiohttp tries no other address of the
    same name: a name with public and private addresses is not trusted.
    """
    family, kind, protocol, _, target = info
    address = str(target[0])
    if not is_public(address):
        raise PrivateAddressError(address, address)
    return socket.socket(family, kind, protocol)


class Resolver(AbstractResolver):
    """Resolve names with the system's resolver, in daemon threads and within a time limit.

    If *guarded*, a name that resolves to a private address raises PrivateAddressError.
    """

    def __init__(self, *, guarded: bool) -> None:
        self._guarded = guarded
        self._slots = asyncio.Semaphore(_MAX_LOOKUPS)

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: AddressFamily = 0,  # type: ignore[assignment]
    ) -> list[ResolveResult]:
        lookup = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM)
        try:
            async with self._slots:
                found = await asyncio.wait_for(_in_daemon_thread(lookup), _RESOLVE_TIMEOUT_S)
        except TimeoutError as error:
            raise OSError(
                f"DNS timeout: {host} not resolved within {_RESOLVE_TIMEOUT_S} s"
            ) from error
        results: list[ResolveResult] = []
        for resolved_family, _, protocol, _, target in found:
            address = str(target[0])
            if self._guarded and not is_public(address):
                raise PrivateAddressError(host, address)
            flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            results.append(
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=int(target[1]),
                    family=resolved_family,
                    proto=protocol,
                    flags=flags,
                )
            )
        return results

    async def close(self) -> None:
        """Do nothing: a lookup cannot be cancelled, and a daemon thread does not delay the exit."""


def _in_daemon_thread(call: Callable[[], T]) -> asyncio.Future[T]:
    """Return the result of *call*; a thread that never returns does not keep the process alive."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.done():  # the lookup has timed out
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(cast("T", result))

    def run() -> None:
        result, error = None, None
        try:
            result = call()
        except Exception as raised:
            error = raised
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="wallpapers-dns", daemon=True).start()
    return future
