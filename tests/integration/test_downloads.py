"""How bytes come in: into part files, within bounds, and from public places only."""

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
from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import StopDownload
from scrapy.http import Response

from tests.conftest import Crawl
from tests.pictures import encoded, exhibit, exhibits, noise
from tests.standin import transfer_faults as faults
from tests.standin.picture_faults import FaultyPictures
from wallpapers.demo.standin import StandIn
from wallpapers.downloads import guard
from wallpapers.outcome import Ending
from wallpapers.settings import DOWNLOADER_MIDDLEWARES, EXTENSIONS

QUICK = {"WALLPAPERS_IDLE_TIMEOUT": 0.5, "RETRY_TIMES": 0}


# Time


@pytest.mark.parametrize(
    "fault", [faults.SilentServer, faults.StallingPicture, faults.DrippingPicture]
)
def test_a_transfer_that_brings_nothing_is_given_up(crawl: Crawl, fault: type[StandIn]) -> None:
    with fault(exhibits(2)) as standin:
        run = crawl(standin, QUICK)
    assert run.stats["wallpapers/failed/timeout"] == 1
    assert run.stats["wallpapers/stored"] == 1


def test_a_transfer_that_is_slow_but_steady_is_not_cut(crawl: Crawl) -> None:
    with faults.SteadyPicture(exhibits(2)) as standin:
        run = crawl(standin, QUICK)
    assert run.ending is Ending.COMPLETE
    assert run.stats["elapsed_time_seconds"] > 2 * QUICK["WALLPAPERS_IDLE_TIMEOUT"]


def test_the_total_time_is_scrapys_own_setting(crawl: Crawl) -> None:
    with faults.SteadyPicture(exhibits(2)) as standin:
        run = crawl(standin, {**QUICK, "DOWNLOAD_TIMEOUT": 0.7})
    assert run.stats["wallpapers/failed/timeout"] == 1


# Size


def test_a_web_page_is_given_up_at_its_first_bytes(crawl: Crawl) -> None:
    with faults.EndlessPage(exhibits(2)) as standin:
        run = crawl(standin)
    assert run.stats["wallpapers/failed/not_an_image"] == 1
    assert standin.sent_bytes < 32_000_000  # what the sockets' buffers swallowed


def test_a_picture_that_is_too_small_is_given_up_at_its_header(crawl: Crawl) -> None:
    with faults.EndlessPage([exhibit(1, encoded(noise(1, 200, 200))), exhibit(2)]) as standin:
        standin.first = encoded(noise(3))
        run = crawl(standin, {"IMAGES_MIN_WIDTH": 100, "IMAGES_MIN_HEIGHT": 96})
    assert run.stats["wallpapers/filtered"] == 2


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.CompressedPicture, None),
        (faults.InflatingPicture, "too_large"),
        (faults.GarbledPicture, "broken"),
    ],
)
def test_what_comes_compressed_is_inflated_within_bounds(
    crawl: Crawl, encoding: str, fault: type[faults.CompressedPicture], reason: str | None
) -> None:
    with fault(exhibits(2)) as standin:
        standin.encoding = encoding
        run = crawl(standin, {"DOWNLOAD_MAXSIZE": 4_000_000})
    if reason:
        assert run.stats[f"wallpapers/failed/{reason}"] == 1
    else:
        assert faults.PICTURE in [run.bytes_of(image) for image in run.images()]


# Breaking and going on


def test_a_body_that_breaks_late_is_continued(crawl: Crawl) -> None:
    with faults.BreakingPicture(exhibits(2)) as standin:
        run = crawl(standin, {"RETRY_TIMES": 0})
        pictures = [path for path in standin.asked if standin.exhibits[1].sign in path]
    assert run.ending is Ending.COMPLETE
    # What was on its way when the connection broke may be lost, and is asked for too.
    assert run.stats["wallpapers/continued"] >= 2
    assert len(pictures) == 1 + run.stats["wallpapers/continued"]
    assert faults.BreakingPicture.content in [run.bytes_of(image) for image in run.images()]


@pytest.mark.parametrize("fault", [faults.BreakingOnce, faults.ChangingPicture])
def test_a_body_that_cannot_be_continued_is_begun_anew(crawl: Crawl, fault: type[StandIn]) -> None:
    with fault(exhibits(2)) as standin:
        run = crawl(standin, {"RETRY_TIMES": 0})
        expected = standin.content  # type: ignore[attr-defined]
    assert run.ending is Ending.COMPLETE
    assert expected in [run.bytes_of(image) for image in run.images()]


@pytest.mark.parametrize("answer", ["other etag", "other length", "other offset", "forbidden"])
def test_what_is_no_rest_of_a_body_is_not_joined_to_it(crawl: Crawl, answer: str) -> None:
    with faults.CarelessRanges(exhibits(2)) as standin:
        standin.rest_is = answer
        run = crawl(standin, {"RETRY_TIMES": 0})
    assert run.ending is Ending.COMPLETE
    assert faults.CarelessRanges.content in [run.bytes_of(image) for image in run.images()]


def test_headers_that_are_no_utf_8_do_no_harm(crawl: Crawl) -> None:
    with faults.ForeignHeaders(exhibits(3)) as standin:
        run = crawl(standin)
    assert run.ending is Ending.COMPLETE
    assert run.stats["wallpapers/stored"] == 3


@pytest.mark.parametrize("most", [1, 4, 16])
def test_a_host_is_asked_for_no_more_at_once_than_the_setting_says(crawl: Crawl, most: int) -> None:
    with faults.CountingServer(exhibits(40)) as standin:
        crawl(standin, {"CONCURRENT_REQUESTS_PER_DOMAIN": most})
    assert standin.most == most


def test_what_killed_runs_left_is_swept_and_what_others_hold_is_not(crawl: Crawl) -> None:
    import fcntl

    dead, alive = (crawl.store / ".parts" / name for name in ("dead", "alive"))
    for folder in (dead, alive):
        folder.mkdir(parents=True)
        (folder / "lock").touch()
        (folder / "1.part").write_bytes(encoded(noise(1)))
    with (alive / "lock").open() as lock, StandIn(exhibits(2)) as standin:
        fcntl.flock(lock, fcntl.LOCK_EX)
        crawl.stats_of(standin)
    assert [path.name for path in (crawl.store / ".parts").iterdir()] == ["alive"]


# Scrapy's own ways


class StoppingExtension:
    """Stops every picture at its headers."""

    def __init__(self) -> None:
        self.headers: list[str] = []

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> StoppingExtension:
        extension = cls()
        crawler.signals.connect(extension.headers_received, signals.headers_received)
        return extension

    def headers_received(self, headers: Any, body_length: int, request: Request) -> None:
        if "/image/" in request.url:
            assert body_length > 0
            raise StopDownload(fail=False)


class SigningMiddleware:
    """A user's own downloader middleware."""

    def process_request(self, request: Request) -> None:
        request.headers["X-Signed"] = "yes"

    def process_response(self, request: Request, response: Response) -> Response:
        assert response.status == 200
        return response


def test_scrapys_signals_can_stop_a_download(crawl: Crawl) -> None:
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, {"EXTENSIONS": {**EXTENSIONS, StoppingExtension: 0}})
    assert run.stats["wallpapers/failed/empty"] == 2


def test_a_downloader_middleware_of_the_user_applies_to_pictures(crawl: Crawl) -> None:
    middlewares = {**DOWNLOADER_MIDDLEWARES, SigningMiddleware: 800}
    with StandIn(exhibits(2)) as standin:
        run = crawl(standin, {"DOWNLOADER_MIDDLEWARES": middlewares})
        assert {headers.get("X-Signed") for headers in standin.received} == {"yes"}
    assert run.ending is Ending.COMPLETE
    assert run.stats["downloader/response_bytes"] > sum(image["size"] for image in run.images())


# Private networks


class Listener:
    """A port of this machine that counts who connects."""

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
    """Return a port that nobody is to connect to."""
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


def test_no_spelling_leads_into_a_private_network(crawl: Crawl, listener: Listener) -> None:
    with faults.OtherHosts(exhibits(1 + len(SPELLINGS))) as standin:
        standin.addresses = tuple(f"http://{host}:{listener.port}/1.jpg" for host in SPELLINGS)
        run = crawl(standin)
    assert listener.connections == 0
    assert run.stats["wallpapers/stored"] == 1
    assert run.stats["wallpapers/failed"] == len(SPELLINGS) >= 30
    # Some systems do not resolve "localhost." at all.
    assert run.stats["wallpapers/failed/private_address"] >= len(SPELLINGS) - 1
    assert "WALLPAPERS_ALLOW_PRIVATE_ADDRESSES=True would allow it" in run.warnings()[0]
    assert "Traceback" not in run.log


def test_a_redirect_does_not_lead_into_a_private_network(crawl: Crawl, listener: Listener) -> None:
    class LuringPicture(FaultyPictures):
        async def fault(self, request: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(f"http://127.0.0.1:{listener.port}/1.jpg")

    with LuringPicture(exhibits(2)) as standin:
        run = crawl(standin)
    assert listener.connections == 0
    assert run.stats["wallpapers/failed/private_address"] == 1


def test_a_private_network_is_reached_where_the_user_allows_it(
    crawl: Crawl, listener: Listener
) -> None:
    with faults.OtherHosts(exhibits(2)) as standin:
        standin.addresses = (f"http://127.0.0.1:{listener.port}/1.jpg",)
        crawl(standin, {"WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True})
    assert listener.connections > 0


def test_a_name_that_changes_its_mind_gets_nobody_in(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """127.0.0.2, where nobody listens, plays the public address: nothing may leave this machine."""
    public = guard.is_public
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
    """Write a key and a certificate to a file, and return it with what signs others."""
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
    """Serve a picture over TLS on a free port, and note who came through."""
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
def test_a_wrong_certificate_is_refused(
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
