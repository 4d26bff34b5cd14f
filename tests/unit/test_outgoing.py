"""The guard of outgoing requests."""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
import requests

from segmentation.errors import ConfigurationError
from segmentation.outgoing.adapter import guarded_adapter
from segmentation.outgoing.checks import check_peer, check_redirect, check_request_url

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTS = ("api.example.com", "*.shop.example")


@pytest.mark.parametrize(
    "url", ["https://api.example.com/a?b=c", "https://API.example.com:8443/", "https://a.b.shop.example/"]
)
def test_check_request_url__allows_declared_hosts(url: str) -> None:
    check_request_url(url, HOSTS)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://api.example.com/", "only https"),
        ("http://127.0.0.1:80/", "only https"),
        ("https://127.0.0.1/", "not one of `hosts`"),
        ("https://evil.example/", "evil.example was refused: it is not one of `hosts`"),
        ("https://api.example.com.evil.example/", "not one of"),
        ("https://shop.example/", "not one of"),
        ("https://xshop.example/", "not one of"),
        ("https://user:word@api.example.com/", "name or password"),
        ("https://api.example.com@evil.example/", "name or password"),
        ("file:///etc/passwd", "only https"),
    ],
)
def test_check_request_url__refuses_others(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        check_request_url(url, HOSTS)
    assert "word" not in str(raised.value).replace("password", "")


def test_check_request_url__loopback_is_for_tests_only() -> None:
    check_request_url("http://127.0.0.1:99/", HOSTS, allow_loopback=True)
    with pytest.raises(ConfigurationError, match="only https"):
        check_request_url("http://10.0.0.1/", HOSTS, allow_loopback=True)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.1.2.3", "::1", "fe80::1%eth0",
     "fd00::1", "::ffff:10.0.0.1", "100.64.0.1", "224.0.0.1"],
)  # fmt: skip
def test_check_peer__refuses_private_addresses(address: str) -> None:
    with pytest.raises(ConfigurationError, match="private network"):
        check_peer(address)


def test_check_peer__allows_public_addresses() -> None:
    check_peer("8.8.8.8")
    check_peer("2606:4700::1111")


@contextmanager
def answering(status: int, location: str = "") -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(status)
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def session(*hosts: str, allow_loopback: bool) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    adapter = guarded_adapter(hosts, allow_loopback=allow_loopback)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def test_guard__does_not_follow_a_redirect_to_another_host() -> None:
    with answering(302, "https://api.example.com/take") as (url, seen):
        with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1 redirects to api\.example\.com, which was refused"):
            session("api.example.com", allow_loopback=True).get(f"{url}/a", timeout=5)
        assert seen == ["/a"]


@pytest.mark.parametrize(
    ("location", "is_allowed"),
    [
        ("", True),
        ("/b?c=d", True),
        ("https://a.shop.example/b", True),
        ("https://b.shop.example/b", False),
        ("//b.shop.example/b", False),
        ("http://a.shop.example/b", False),
        ("https://a.shop.example:444/b", False),
    ],
)
def test_check_redirect(location: str, is_allowed: bool) -> None:  # noqa: FBT001  a case
    with nullcontext() if is_allowed else pytest.raises(ConfigurationError, match="another host"):
        check_redirect("https://a.shop.example/a", location)


def test_guard__closes_a_connection_to_a_private_address_before_the_first_byte() -> None:
    """A declared name that resolves to this machine: the name passes, the address does not."""
    with answering(200) as (url, seen):
        port = url.rsplit(":", 1)[1]
        with pytest.raises(ConfigurationError, match=r"a connection to (127\.0\.0\.1|::1) was refused"):
            session("localhost", allow_loopback=False).get(f"https://localhost:{port}/a", timeout=5)
        assert seen == []
