"""Fetching from hostile servers, over real sockets on loopback."""

import asyncio
import gzip
import ssl
import subprocess
import time

import pytest
from aiohttp import web

from indexer.metadata.errors import FetchFailed, NotTaken, Refused
from indexer.metadata.http import Allowance, HttpFetcher
from indexer.metadata.limits import FetchLimits
from tests.indexer.metadata.site import drip, redirect, serve

LIMITS = FetchLimits(connect_s=2, idle_s=0.5, total_s=1.5, retry_pause_s=0.01)
MOST = 10_000


def fetch(pages, path="/", *, max_bytes=MOST, limits=LIMITS, **options):
    """Body of a page, or the refusal; and what the site was asked for."""

    async def run():
        async with serve(pages) as site:
            # Called with the site where a page or an option needs its address.
            if callable(pages):
                site.pages = pages(site)
            allowance = options.pop("allowance", site.allowance)
            async with HttpFetcher(limits, allowance, **options) as http:
                url = path(site) if callable(path) else site.url + path
                try:
                    answer = await http.get(url, max_bytes=max_bytes)
                except NotTaken as error:
                    return error, site.asked
                return answer.raw, site.asked

    return asyncio.run(run())


def refused(outcome, kind, code):
    error, asked = outcome
    assert isinstance(error, kind), error
    assert error.code == code, error
    return asked


def port_of(site):
    return int(site.url.rpartition(":")[2])


# --- what is allowed


def test_allowed_server_is_read():
    assert fetch({"/": b"hello"}) == (b"hello", ["/"])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://a/",
        "//example.org/", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_other_schemes_are_refused_before_any_connection(url):
    def resolve(host, port):
        pytest.fail(f"{host} was resolved")

    outcome = fetch({}, lambda _: url, resolve=resolve)
    assert refused(outcome, Refused, "scheme") == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0",
        "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "[fe80::1]", "[64:ff9b::7f00:1]",
    ],
)  # fmt: skip
def test_literal_private_addresses_are_refused(host):
    refused(fetch({}, lambda site: f"https://{host}:{port_of(site)}/"), Refused, "private-address")


def test_allowance_is_for_one_origin_and_not_for_its_host():
    async def run():
        async with serve({"/": b"named"}) as named, serve({"/": b"other"}) as other:
            async with HttpFetcher(LIMITS, named.allowance) as http:
                assert (await http.get(named.url, max_bytes=MOST)).raw == b"named"
                with pytest.raises(Refused):
                    await http.get(other.url, max_bytes=MOST)
            assert other.asked == []

    asyncio.run(run())


def test_nothing_is_allowed_without_being_named():
    assert refused(fetch({"/": b"x"}, allowance=Allowance()), Refused, "scheme") == []


def test_user_names_and_long_urls_are_refused():
    refused(fetch({}, lambda _: "https://user:pass@example.org/"), Refused, "malformed-uri")
    refused(fetch({}, lambda _: "https://example.org/" + "a" * 5_000), Refused, "uri-too-long")
    refused(fetch({}, lambda _: "https://[::1/"), Refused, "malformed-uri")


# --- names


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:169.254.169.254"], ["fd00::1"]]
)
def test_name_with_a_private_address_is_refused_whole(addresses):
    outcome = fetch(
        {"/": b"secret"},
        lambda site: f"https://rebind.example:{port_of(site)}/",
        resolve=lambda host, port: addresses,
    )
    assert refused(outcome, Refused, "private-address") == []
    assert addresses[-1] in str(outcome[0])


def test_rebinding_name_is_resolved_once_per_connection_and_never_reaches_the_second_answer():
    """A name that is public when it is checked and private a moment later."""
    answers = [["192.0.2.77"], ["127.0.0.1"], ["127.0.0.1"]]
    asked_names = []

    def resolve(host, port):
        asked_names.append(host)
        return answers[len(asked_names) - 1]

    async def run():
        async with serve({"/": b"secret"}) as site:
            url = f"https://rebind.example:{port_of(site)}/"
            async with HttpFetcher(LIMITS, resolve=resolve) as http:
                for _ in answers:
                    with pytest.raises(Refused) as refusal:
                        await http.get(url, max_bytes=MOST)
                    assert refusal.value.code == "private-address"
            return site.asked

    # The first is of a range for documentation: what was checked is what counts, not what follows.
    assert asyncio.run(run()) == []
    assert len(asked_names) == 3


def test_connection_goes_to_the_checked_address_and_no_other_resolver_is_asked(monkeypatch):
    """The socket is opened for the address that the check saw: it alone is ever looked at."""
    import socket

    opened = []
    real = socket.socket

    class Watched(real):
        def connect(self, address):
            opened.append(address)
            raise OSError("not in a test")

        def connect_ex(self, address):
            opened.append(address)
            return 111

    def no_system_resolver(*args, **kwargs):
        host = args[0]
        assert host.replace(".", "").isdigit(), f"{host} was resolved again"
        return real_getaddrinfo(*args, **kwargs)

    real_getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket, "socket", Watched)
    monkeypatch.setattr(socket, "getaddrinfo", no_system_resolver)
    calls = []

    def resolve(host, port):
        calls.append(host)
        return ["1.1.1.1"] if len(calls) == 1 else ["127.0.0.1"]

    async def run():
        async with HttpFetcher(LIMITS, resolve=resolve) as http:
            with pytest.raises(FetchFailed):
                await http.get("https://rebind.example/", max_bytes=MOST)

    asyncio.run(run())
    assert (calls, {address[0] for address in opened}) == (["rebind.example"], {"1.1.1.1"})


def test_unknown_name_is_a_failure_that_may_pass():
    def resolve(host, port):
        raise OSError("no such name")

    refused(
        fetch({}, lambda _: "https://nowhere.example/", resolve=resolve), FetchFailed, "unreachable"
    )


# --- redirects


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("https://127.0.0.1/secret", "private-address"),
        ("https://169.254.169.254/latest/meta-data/", "private-address"),
        ("http://example.org/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("https://inside.example/", "private-address"),
    ],
)
def test_redirects_are_checked_like_first_addresses(to, code):
    outcome = fetch({"/": redirect(to)}, resolve=lambda host, port: ["10.0.0.7"])
    assert refused(outcome, Refused, code) == ["/"]


def test_three_redirects_are_followed_and_four_are_not():
    pages = {f"/{n}": redirect(f"/{n - 1}", 301 + n % 2) for n in range(1, 5)} | {"/0": b"end"}
    assert fetch(pages, "/3")[0] == b"end"
    assert refused(fetch(pages, "/4"), Refused, "redirects") == ["/4", "/3", "/2", "/1"]


def test_redirect_to_itself_ends():
    asked = refused(fetch({"/": redirect("/")}), Refused, "redirects")
    assert len(asked) == LIMITS.max_redirects + 1


# --- sizes and times


def test_body_at_the_limit_is_read_and_one_byte_more_is_not():
    assert len(fetch({"/": b"x" * MOST})[0]) == MOST
    refused(fetch({"/": b"x" * (MOST + 1)}), Refused, "too-large")


def test_endless_body_ends_at_the_limit():
    refused(fetch({"/": drip(b"x" * 1_000, 0)}), Refused, "too-large")


def test_slow_body_ends_by_the_clock():
    started = time.monotonic()
    refused(fetch({"/": drip(b"x", 0.05)}), FetchFailed, "timeout")
    assert time.monotonic() - started < 5


def test_silent_server_ends_by_the_clock():
    async def silence(request):
        await asyncio.sleep(30)

    refused(fetch({"/": silence}), FetchFailed, "timeout")


def test_announced_size_is_believed_only_when_it_refuses():
    async def liar(request):
        response = web.StreamResponse(headers={"content-length": "99999999999"})
        await response.prepare(request)
        return response

    refused(fetch({"/": liar}), Refused, "too-large")


def packed(raw, encoding="gzip"):
    return web.Response(body=raw, headers={"content-encoding": encoding})


def test_gzip_bomb_is_refused_without_being_inflated():
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 60_000
    refused(fetch({"/": packed(bomb)}, max_bytes=100_000), Refused, "too-large")
    refused(fetch({"/": packed(gzip.compress(bytes(MOST + 1)))}), Refused, "too-large")


def test_compressed_body_that_nobody_asked_for_is_read_under_the_limit():
    assert fetch({"/": packed(gzip.compress(b"y" * MOST))})[0] == b"y" * MOST
    refused(fetch({"/": packed(b"not gzip")}), FetchFailed, "damaged")
    refused(fetch({"/": packed(b"x", "br")}), Refused, "encoding")


def test_endless_headers_are_refused():
    async def headers(request):
        return web.Response(headers={f"x-{n}": "a" * 8_000 for n in range(10_000)})

    async def long_header(request):
        return web.Response(headers={"x": "a" * 50_000})

    assert isinstance(fetch({"/": long_header})[0], NotTaken)


# --- what hosts say


@pytest.mark.parametrize("status", [400, 404, 410, 500])
def test_other_status_is_a_failure_that_may_pass(status):
    error, _ = fetch({"/": web.Response(status=status)})
    assert isinstance(error, FetchFailed)
    assert str(status) in str(error)


def test_busy_host_is_asked_once_more():
    answers = [web.Response(status=429), web.Response(body=b"now")]

    async def busy(request):
        return answers.pop(0)

    assert fetch({"/": busy}) == (b"now", ["/", "/"])


def test_silent_host_is_left_alone_after_some_times():
    calls = []

    def resolve(host, port):
        calls.append(host)
        raise OSError("down")

    async def run():
        async with HttpFetcher(LIMITS, resolve=resolve) as http:
            codes = []
            for n in range(8):
                with pytest.raises(FetchFailed) as failure:
                    await http.get(f"https://dead.example/{n}", max_bytes=MOST)
                codes.append(failure.value.code)
        return codes

    assert asyncio.run(run()) == ["unreachable"] * 5 + ["host-down"] * 3
    assert len(calls) == 5


def test_no_cookie_referrer_or_login_is_sent():
    seen = []

    async def first(request):
        seen.append(dict(request.headers))
        return web.Response(
            status=302, headers={"location": "/two", "set-cookie": "session=1; Path=/"}
        )

    async def second(request):
        seen.append(dict(request.headers))
        return web.Response(body=b"end")

    assert fetch({"/": first, "/two": second})[0] == b"end"
    for headers in seen:
        names = {name.lower() for name in headers}
        assert names == {"host", "accept", "accept-encoding", "user-agent"}


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of named.example, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        "-subj", "/CN=named.example", "-addext", "subjectAltName=DNS:named.example",
        "-keyout", str(key), "-out", str(cert),
    ]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(cert, key)
    return server, ssl.create_default_context(cafile=cert)


@pytest.mark.parametrize(
    ("host", "trusts", "expected"),
    [
        ("named.example", True, b"over tls"),
        ("other.example", True, "tls"),
        ("named.example", False, "tls"),
    ],
)
def test_certificate_is_checked_for_the_name_though_the_address_was_given(
    certificate, host, trusts, expected
):
    server, client = certificate

    async def run():
        async with serve({"/": b"over tls"}, tls=server) as site:
            url = f"https://{host}:{port_of(site)}/"
            fetcher = HttpFetcher(
                LIMITS,
                Allowance.of([url]),
                resolve=lambda name, port: ["127.0.0.1"],
                tls=client if trusts else None,
            )
            async with fetcher as http:
                try:
                    return (await http.get(url, max_bytes=MOST)).raw
                except FetchFailed as error:
                    return error.code

    assert asyncio.run(run()) == expected
