"""Malformed HTTP: accepted if curl and browsers accept it, otherwise reported in one line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping

import pytest

from tests.conftest import Crawl, Run
from tests.pictures import encoded, exhibits, noise
from tests.standin import transfer_faults as faults
from tests.standin.raw_answers import RawServer, answer
from wallpapers.demo.standin import StandIn
from wallpapers.run.exit_status import ExitStatus

MARK = b"\xff\xfe\x00\x0400"  # a comment, by which pictures of the same length differ
PICTURE = encoded(noise(7)).replace(b"\xff\xd8", b"\xff\xd8" + MARK, 1)
LENGTH = b"Content-Length: %d" % len(PICTURE)
OK = b"HTTP/1.1 200 OK"
HALF = len(PICTURE) // 2


def chunked(body: bytes, *headers: bytes, end: bytes = b"\r\n", extension: bytes = b"") -> bytes:
    head = end.join((OK, b"Transfer-Encoding: chunked", *headers, b"", b""))
    chunks = (body[:HALF], body[HALF:], b"")
    return head + b"".join(b"%x%b%b%b%b" % (len(c), extension, end, c, end) for c in chunks)


def numbered(raw: bytes, number: int) -> bytes:
    """Return *raw* with another picture, unless it is compressed."""
    return raw.replace(MARK, MARK[:-2] + b"%02d" % number)


def lines(*head: bytes, end: bytes = b"\r\n") -> bytes:
    return end.join((*head, b"", b"")) + PICTURE


HARMLESS: dict[str, bytes] = {
    "a blank behind": answer(PICTURE) + b" ",
    "a line behind": answer(PICTURE, b"Connection: close") + b"ok\n",
    "a comment behind": answer(PICTURE, b"Connection: close") + b"<!-- 0.3 s -->",
    "a mark behind": answer(PICTURE) + b"\xef\xbb\xbf",
    "a beginning of HTTP behind": answer(PICTURE) + b"HTT",
    "another answer behind": answer(PICTURE) + answer(b"no"),
    "bytes behind the last chunk": chunked(PICTURE, b"Connection: close") + b"<!-- 0.3 s -->",
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(PICTURE) + b" x",
    "blank lines before": b"\r\n\r\n" + answer(PICTURE),
    "line feeds only": lines(OK, LENGTH, end=b"\n"),
    "chunk extensions": chunked(PICTURE, extension=b";name=value"),
    "blanks behind the chunk size": chunked(PICTURE, extension=b"  "),
    "no reason": lines(b"HTTP/1.1 200", LENGTH),
    "a blank reason": lines(b"HTTP/1.1 200 ", LENGTH),
    "two blanks before the status": lines(b"HTTP/1.1  200 OK", LENGTH),
    "HTTP/1.0 kept alive": lines(b"HTTP/1.0 200 OK", LENGTH, b"Connection: keep-alive"),
    "HTTP/2.0": lines(b"HTTP/2.0 200 OK", LENGTH),
    "HTTP/2": lines(b"HTTP/2 200", LENGTH),
    "no length": lines(OK, b"Connection: close"),
    "HTTP/1.0 without length": lines(b"HTTP/1.0 200 OK"),
    "two equal lengths": lines(OK, LENGTH, LENGTH.lower()),
    "two equal lengths in a list": lines(OK, LENGTH + b", " + LENGTH.split()[1]),
    "length and chunks": chunked(PICTURE, b"Content-Length: 5"),
    "another case": lines(OK, LENGTH.upper()),
    "chunked in another case": chunked(PICTURE).replace(b"chunked", b"Chunked"),
    "identity": lines(OK, LENGTH, b"Transfer-Encoding: identity"),
    "a blank before the colon": lines(OK, LENGTH.replace(b":", b" :"), b"X-Two : 2"),
    "a folded header": lines(OK, b"X-Long: one", b"\ttwo", b"  three", LENGTH),
    "a folded first header": lines(OK, b"  folded", LENGTH),
    "a line without a colon": lines(OK, b"nonsense", LENGTH),
    "a name with blanks": lines(OK, b"X Name: 1", b"(x): 2", b": 3", LENGTH),
    "control characters": lines(OK, b"X-One: \x01\x02\x7f\xff", LENGTH),
    "a NUL": lines(OK, b"X-One: a\0b", LENGTH),
    "a carriage return": lines(OK, b"X-One: a\rb", LENGTH),
    "no Content-Type": answer(PICTURE),
    "two Content-Types": answer(PICTURE, b"Content-Type: text/html", b"Content-Type: image/jpeg"),
    "gzip with zeros behind": answer(gzip.compress(PICTURE) + bytes(40), b"Content-Encoding: gzip"),
    "gzip in two members": answer(
        gzip.compress(PICTURE[:9]) + gzip.compress(b"") + gzip.compress(PICTURE[9:]),
        b"Content-Encoding: GZip",
    ),
    "two fields of codings": answer(
        gzip.compress(gzip.compress(PICTURE)),
        b"Content-Encoding: gzip",
        b"Content-Encoding: x-gzip",
    ),
    "a coding that is none": answer(PICTURE, b"Content-Encoding: binary"),
}


def crawl_pictures(crawl: Crawl, answers: Mapping[str, bytes], **settings: object) -> Run:
    """Crawl one wallpaper of the stand-in, and one for each of *answers*."""
    names = {str(number): raw for number, raw in enumerate(answers.values())}
    with RawServer(names) as server, faults.OtherHosts(exhibits(1 + len(names))) as standin:
        standin.addresses = tuple(map(server.address, names))
        return crawl(
            standin,
            {"WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True, "RETRY_ENABLED": False, **settings},
        )


def test_harmless_defects_are_accepted(crawl: Crawl) -> None:
    answers = {
        defect: numbered(raw, number) for number, (defect, raw) in enumerate(HARMLESS.items(), 1)
    }
    run = crawl_pictures(crawl, answers)
    assert run.exit_status is ExitStatus.COMPLETE, run.warnings()
    assert len(run.images()) == 1 + len(HARMLESS)
    contents = {run.bytes_of(image) for image in run.images()}
    for number, (defect, raw) in enumerate(HARMLESS.items(), 1):
        assert (numbered(PICTURE, number) if MARK in raw else PICTURE) in contents, defect
    # In Scrapy's ordinary way its own middleware warns of a coding that does not exist.
    assert [line for line in run.warnings() if "unsupported encoding" not in line] == []


MALFORMED: dict[str, tuple[bytes, str]] = {
    "no HTTP": (b"\xff\xd8 the picture itself\r\n\r\n", "connection (malformed HTTP response: "),
    "another protocol": (b"SSH-2.0-OpenSSH_9\r\n", "connection (malformed HTTP response: "),
    "two lengths": (
        lines(OK, LENGTH, b"Content-Length: 5"),
        "connection (malformed HTTP response: ",
    ),
    "a length that is none": (
        lines(OK, b"Content-Length: many"),
        "connection (malformed HTTP response: ",
    ),
    "a bad chunk size": (
        chunked(PICTURE).replace(b"\r\n\r\n%x\r\n" % HALF, b"\r\n\r\nsize\r\n"),
        "connection (malformed HTTP response: ",
    ),
    "chunks with line feeds only": (
        chunked(PICTURE, end=b"\n"),
        "connection (malformed HTTP response: Expected LF after chunk size)",
    ),
    "a long header": (
        lines(OK, LENGTH, b"X-Long: " + b"x" * 300_000),
        "connection (malformed HTTP response: ",
    ),
    "many headers": (
        lines(OK, LENGTH, *[b"X-Many: x"] * 5_000),
        "connection (malformed HTTP response: ",
    ),
    "a cut body": (answer(PICTURE)[:-9], "cut ("),
    "a cut chunk": (chunked(PICTURE)[:-60], "cut ("),
    "no gzip": (answer(PICTURE, b"Content-Encoding: gzip"), "broken (Content-Encoding cannot"),
    "six codings": (answer(PICTURE, b"Content-Encoding: " + b"gzip," * 6), "broken (Content-Enc"),
}


@pytest.mark.parametrize("defect", MALFORMED)
def test_malformed_responses_are_reported_in_one_line(crawl: Crawl, defect: str) -> None:
    raw, expected = MALFORMED[defect]
    run = crawl_pictures(crawl, {defect: raw}, WALLPAPERS_IDLE_TIMEOUT=5)
    [line] = run.warnings()
    assert f"-> {expected}" in line
    assert "(400" not in line
    assert "message=" not in line
    assert "\\x" not in line
    assert "b'" not in line
    assert len(line) < 400


def test_a_connection_with_bytes_behind_a_body_is_not_reused(crawl: Crawl) -> None:
    answers = {str(number): answer(encoded(noise(50 + number))) + b"HTT" for number in range(4)}
    settings = {
        "WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "RETRY_ENABLED": False,
    }
    for behind, connections in ((b"HTT", 4), (b"", 1)):
        clean = {name: raw.removesuffix(b"HTT") + behind for name, raw in answers.items()}
        with (
            RawServer(clean, keeps=True) as server,
            faults.OtherHosts(exhibits(5)) as standin,
        ):
            standin.addresses = tuple(server.address(f"{name}?{behind!r}") for name in clean)
            crawl.move_to(crawl.store.parent / str(connections))
            run = crawl(standin, settings)
        assert run.exit_status is ExitStatus.COMPLETE
        assert server.connections == connections


def test_a_connection_with_lower_case_headers_is_reused(crawl: Crawl) -> None:
    answers = {
        str(number): answer(encoded(noise(50 + number))).replace(
            b"Content-Length", b"content-length"
        )
        for number in range(4)
    }
    settings = {"WALLPAPERS_ALLOW_PRIVATE_ADDRESSES": True, "CONCURRENT_REQUESTS_PER_DOMAIN": 1}
    with RawServer(answers, keeps=True) as server, faults.OtherHosts(exhibits(5)) as standin:
        standin.addresses = tuple(map(server.address, answers))
        run = crawl(standin, settings)
    assert run.exit_status is ExitStatus.COMPLETE
    assert server.connections == 1


def test_a_page_with_bytes_behind_it_is_accepted(crawl: Crawl) -> None:
    page = b'{"imgs": [], "totalNum": 0}'
    with RawServer({"imgs": answer(page, b"Connection: close") + b"<!-- 0.3 s -->"}) as server:
        standin = faults.OtherHosts(exhibits(1))
        run = crawl(standin, endpoint=server.address("imgs"))
    assert "No wallpapers found in the listing (0 entries)" in run.errors()[0]


# Cookies


@pytest.mark.parametrize(
    "cookie", [b"a=b\x01c", b"a=b\x7f", b"a\x02=b", b"a=b; path=/\x1f", b"a=\0"]
)
def test_a_cookie_with_a_control_character_is_dropped(crawl: Crawl, cookie: bytes) -> None:
    with RawServer({"0": answer(PICTURE)}, keeps=True) as server:
        page = json.dumps({"imgs": [{"id": "1", "downloadUrl": server.address("0")}]}).encode()
        cookies = (b"Set-Cookie: " + cookie, b"Set-Cookie: good=1; path=/")
        server.answers["imgs"] = answer(page, *cookies)
        run = crawl(StandIn(exhibits(1)), endpoint=server.address("imgs"))
    assert run.exit_status is ExitStatus.COMPLETE
    assert run.stats["wallpapers/stored"] == 1
    pages = [head for head in server.heads if b"/imgs?" in head]
    assert len(pages) == 2
    assert b"Cookie: good=1\r\n" in pages[1]


def test_an_invalid_request_header_is_reported(crawl: Crawl) -> None:
    with faults.OtherHosts(exhibits(1)) as standin:
        run = crawl(standin, {"USER_AGENT": "me\x01"})
    assert run.exit_status is ExitStatus.LISTING
    assert "connection (request header 'User-Agent' has a control character)" in run.errors()[0]


# Proxies


def test_a_proxy_password_is_sent_to_the_proxy_only(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"imgs": answer(b'{"imgs": []}')}
    with RawServer(answers) as proxy:
        monkeypatch.setenv("http_proxy", proxy.origin.replace("//", "//user:canary-proxy@"))
        monkeypatch.setenv("no_proxy", "elsewhere.test")
        standin = faults.OtherHosts(exhibits(1))
        crawl(standin, {"HTTPPROXY_ENABLED": True}, endpoint="http://listing.test/imgs")
    assert len(proxy.heads) == 1
    assert proxy.heads[0].startswith(b"GET http://listing.test/imgs?")
    assert b"Proxy-Authorization: Basic dXNlcjpjYW5hcnktcHJveHk=\r\n" in proxy.heads[0]
    with RawServer(answers) as server:
        headers = {"Proxy-Authorization": "Basic dXNlcjpjYW5hcnktcHJveHk="}
        crawl(
            standin,
            {"DEFAULT_REQUEST_HEADERS": headers},
            endpoint=server.address("imgs"),
        )
    assert b"proxy-authorization" not in server.heads[0].lower()
