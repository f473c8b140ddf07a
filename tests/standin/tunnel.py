"""A proxy behind which every https host is one stand-in."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.standin.sources import SearchStandIn

if TYPE_CHECKING:
    from wallpapers.demo.gallery import Exhibit


class BaiduBehindProxy(SearchStandIn):
    """Baidu's image search under its own address, for a program that uses ``proxy``.

    The proxy leads every CONNECT to the stand-in, which speaks TLS with the certificate in *chain*.
    """

    origin = "https://image.baidu.com"

    def __init__(self, exhibits: list[Exhibit], chain: Path) -> None:
        super().__init__(exhibits)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(chain)

    async def listen(self) -> None:
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._proxy = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.proxy = f"http://127.0.0.1:{self._proxy.sockets[0].getsockname()[1]}"

    def __exit__(self, *error: Any) -> None:
        self.call(self._proxy.close)
        super().__exit__(*error)

    async def _connect(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        await client.readuntil(b"\r\n\r\n")
        answer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        server, request = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(_copy(client, request), _copy(server, answer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
    target.close()
