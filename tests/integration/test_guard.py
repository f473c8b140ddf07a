"""The guard against private networks, with redirects and DNS rebinding, and TLS certificates."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.conftest import Crawl
from tests.pictures import encoded, exhibits, noise
from tests.standin import transfer_faults as faults
from tests.standin.picture_faults import FaultyPictures
from wallpapers.downloads import guard, networks

# Private networks


class Listener:
    """A port of this machine that counts connections."""

    def __init__(self, host: str = "::") -> None:
        self.connections = 0
        everywhere: Any = {"family": socket.AF_INET6, "dualstack_ipv6": True}
        self._socket = socket.create_server((host, 0), **(everywhere if host == "::" else {}))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Yield a port to which no connection is expected."""
    port = Listener()
    yield port
    port.close()


SPELLINGS = (
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001"),
    *("0177.0.0.1", "127.000.000.001", "0", "0.0.0.0", "127.255.255.254", "localhost"),
    *("LOCALHOST", "localhost.", "127.0.0.1.", "[::1]", "[::]", "[::ffff:127.0.0.1]"),
    *("[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"),
    *("[2002:7f00:1::]", "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1"),
    *("10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"),
    *(
        "255.255.255.255",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[ff02::1]",
        "198.18.0.1",
        "[2001:db8::1]",
    ),
)


def test_every_spelling_of_a_private_address_is_blocked(crawl: Crawl, listener: Listener) -> None:
    with faults.OtherHosts(exhibits(1 + len(SPELLINGS))) as standin:
        standin.addresses = tuple(f"http://{host}:{listener.port}/1.jpg" for host in SPELLINGS)
        run = crawl(standin)
    assert listener.connections == 0
    assert run.stats["wallpapers/stored"] == 1
    assert run.stats["wallpapers/failed"] == len(SPELLINGS) >= 30
    # Some systems do not resolve "localhost." at all.
    assert run.stats["wallpapers/failed/private_address"] >= len(SPELLINGS) - 1
    assert "set WALLPAPERS_ALLOW_PRIVATE_ADDRESSES=True to allow it" in run.warnings()[0]


def test_a_redirect_to_a_private_address_is_blocked(crawl: Crawl, listener: Listener) -> None:
    class LuringPicture(FaultyPictures):
        async def fault(self, request: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(f"http://127.0.0.1:{listener.port}/1.jpg")

    with LuringPicture(exhibits(2)) as standin:
        run = crawl(standin)
    assert listener.connections == 0
    assert run.stats["wallpapers/failed/private_address"] == 1


def test_private_addresses_can_be_allowed(crawl: Crawl, listener: Listener) -> None:
    with faults.OtherHosts(exhibits(2)) as standin:
        standin.addresses = (f"http://127.0.0.1:{listener.port}/1.jpg",)
        crawl(standin, {"WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True})
    assert listener.connections > 0


def test_dns_rebinding_is_blocked(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2, where nothing listens, stands for a public address."""
    public = networks.is_public
    monkeypatch.setattr(guard, "is_public", lambda ip: ip == "127.0.0.2" or public(ip))
    answers: list[str] = []
    real = socket.getaddrinfo

    def alternating(host: str, port: int, *args: Any, **more: Any) -> Any:
        if host == "rebinding.test":
            host = "127.0.0.1" if len(answers) % 2 else "127.0.0.2"
            answers.append(host)
        return real(host, port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", alternating)
    private = Listener("127.0.0.1")
    with faults.OtherHosts(exhibits(101)) as standin:
        standin.addresses = tuple(f"http://rebinding.test:{private.port}/{n}" for n in range(100))
        run = crawl(standin, {"RETRY_ENABLED": False, "DNSCACHE_ENABLED": False})
    private.close()
    assert private.connections == 0
    assert answers.count("127.0.0.1") >= 50
    assert run.stats["wallpapers/failed/private_address"] == answers.count("127.0.0.1")
    assert run.stats["wallpapers/failed/connection"] == answers.count("127.0.0.2")


# Certificates


def certificate(folder: Path, issuer: Any, **fields: Any) -> tuple[Path, Any]:
    """Write a key and a certificate to a file; return its path, and both to sign others."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, fields["name"])])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer[1].subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=fields.get("days", 30)))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(fields["name"])]), critical=False)
    )
    made = builder.sign(issuer[0] if issuer else key, hashes.SHA256())
    target = folder / f"{fields['name']}-{fields.get('days', 30)}-{issuer is None}.pem"
    pem = serialization.Encoding.PEM
    target.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(pem)
    )
    return target, (key, made)


@contextmanager
def tls_server(chain: Path, asked: list[str]) -> Iterator[int]:
    """Serve an image over TLS on a free port, and append the path of each request to *asked*."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)

    async def picture(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=encoded(noise(1)))

    started, loop = threading.Event(), asyncio.new_event_loop()
    ports: list[int] = []

    async def serve() -> None:
        application = web.Application()
        application.add_routes([web.get("/{name}", picture)])
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        ports.append(runner.addresses[0][1])
        ended = asyncio.Event()
        stop.append(ended)
        started.set()
        await ended.wait()
        await runner.cleanup()

    stop: list[asyncio.Event] = []
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    started.wait()
    yield ports[0]
    loop.call_soon_threadsafe(stop[0].set)
    thread.join()
    loop.close()


@pytest.mark.parametrize(
    ("kind", "stored"), [("good", 1), ("self-signed", 0), ("expired", 0), ("wrong host", 0)]
)
def test_an_invalid_certificate_is_rejected(
    crawl: Crawl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, stored: int
) -> None:
    authority, signer = certificate(tmp_path, None, name="authority.test")
    chain, _ = {
        "good": lambda: certificate(tmp_path, signer, name="localhost"),
        "self-signed": lambda: certificate(tmp_path, None, name="localhost"),
        "expired": lambda: certificate(tmp_path, signer, name="localhost", days=-1),
        "wrong host": lambda: certificate(tmp_path, signer, name="elsewhere.test"),
    }[kind]()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    asked: list[str] = []
    with tls_server(chain, asked) as port, faults.OtherHosts(exhibits(2)) as standin:
        standin.addresses = (f"https://localhost:{port}/1.jpg",)
        run = crawl(standin, {"WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True})
    assert run.stats["wallpapers/stored"] == 1 + stored
    assert run.stats.get("wallpapers/failed/tls", 0) == 1 - stored
    assert len(asked) == stored
