"""Keep the addresses that a listing or a redirect names out of private networks.

What counts is the address that is dialled: a name may resolve to another one at each question, and
a number has many spellings. So the last look is taken where the socket is made.
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

# Scheme, host and port of an address, all that decides who is asked.
Origin = tuple[str, str, int]

_RESOLVING_AT_ONCE = 32
_RESOLVE_TIMEOUT_S = 10
_PORTS = {"http": 80, "https": 443}


class PrivateAddressError(IgnoreRequest):
    """An address leads into a network that no listing may lead us into."""

    def __init__(self, host: str, address: str) -> None:
        what = host if host == address else f"{host} is {address}, which"
        super().__init__(
            f"{what} is no public address; WALLPAPERS_ALLOW_PRIVATE_ADDRESSES=True would allow it"
        )


def origin(parts: ParseResult) -> Origin:
    """Return scheme, host and port of an http(s) address, as far as they decide who is asked."""
    host = (parts.hostname or "").rstrip(".").lower()
    return parts.scheme, host, parts.port or _PORTS.get(parts.scheme, 0)


def refuse_private_literal(host: str) -> None:
    """Raise PrivateAddressError where *host* is a number that leads nowhere public.

    Decimal, hexadecimal, octal, short and full-width spellings are read as the system reads them.
    """
    plain = unicodedata.normalize("NFKC", host).strip("[]").rstrip(".")
    address = plain
    if ":" not in plain:
        try:
            address = socket.inet_ntoa(socket.inet_aton(plain))
        except OSError:
            return  # a name: its addresses are looked at when they are dialled
    if not is_public(address):
        raise PrivateAddressError(host, address)


def guarded_socket(info: AddrInfoType) -> socket.socket:
    """Make the socket for an address that is about to be dialled, if it is a public one.

    Raises PrivateAddressError, which is no OSError: another address of the same name is not tried,
    for a name that leads to both is not to be trusted.
    """
    family, kind, protocol, _, place = info
    address = str(place[0])
    if not is_public(address):
        raise PrivateAddressError(address, address)
    return socket.socket(family, kind, protocol)


class Resolver(AbstractResolver):
    """The system's resolver, in threads of its own, with a time limit.

    Guarded, a name which leads to a private address leads nowhere.
    """

    def __init__(self, *, guarded: bool) -> None:
        self._guarded = guarded
        self._places = asyncio.Semaphore(_RESOLVING_AT_ONCE)

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: AddressFamily = 0,  # type: ignore[assignment]
    ) -> list[ResolveResult]:
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM)
        try:
            async with self._places:
                found = await asyncio.wait_for(_in_daemon_thread(ask), _RESOLVE_TIMEOUT_S)
        except TimeoutError as error:
            raise OSError(f"{host} is not resolved in {_RESOLVE_TIMEOUT_S} s") from error
        results: list[ResolveResult] = []
        for kind, _, protocol, _, place in found:
            address = str(place[0])
            if self._guarded and not is_public(address):
                raise PrivateAddressError(host, address)
            flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            results.append(
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=int(place[1]),
                    family=kind,
                    proto=protocol,
                    flags=flags,
                )
            )
        return results

    async def close(self) -> None:
        """Leave the threads to themselves: the system cannot be made to give up on a name."""


def _in_daemon_thread(call: Callable[[], T]) -> asyncio.Future[T]:
    """Return the result of *call*. A thread that never returns does not keep the process alive."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.done():  # it was given up
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
