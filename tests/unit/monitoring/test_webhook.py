"""The webhook against a real HTTP server on this machine, and against the specification's published signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from segmentation.errors import ConfigurationError, RetryableError
from segmentation.monitoring import webhook
from segmentation.monitoring.alerts import Alert
from segmentation.monitoring.params import WebhookParams

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
AS_OF = date(2024, 6, 2)
ALERTS = [
    Alert("psi", "feature:sessions_count_30d", 0.4, 0.25, 1e-9, "stability index 0.4"),
    Alert("rate_change", "transition:a -> b", -0.15, 0.02, 0.002, "2 of 58"),
]


class Receiver(BaseHTTPRequestHandler):
    """Answers as its server says, one answer after the other, and keeps what it got."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        status = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiver(*answers: int) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.answers, server.got = list(answers), []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENTATION_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr(webhook, "FIRST_WAIT_S", 0.01)


def params(server: ThreadingHTTPServer) -> WebhookParams:
    return WebhookParams(url=f"http://127.0.0.1:{server.server_port}/hooks/token-in-path", timeout_s=5)


def test_the_signature_is_the_published_one() -> None:
    """The example of the specification (standardwebhooks.com, also of its reference libraries)."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    signature = webhook.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, key=key)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_one_signed_call_tells_all_alerts_and_a_repeat_has_the_same_id() -> None:
    with receiver(204) as server:
        for _ in range(2):
            assert webhook.send_alerts(ALERTS, as_of=AS_OF, params=params(server)) == 204
    assert len(server.got) == 2
    (headers, body), (again, body_again) = server.got
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert (again["webhook-id"], body_again) == (headers["webhook-id"], body)
    message = json.loads(body)
    assert message["type"] == "segments.alert"
    assert message["data"]["as_of"] == "2024-06-02"
    assert [one["scope"] for one in message["data"]["alerts"]] == [alert.scope for alert in ALERTS]
    other = webhook.compose_message(ALERTS[:1], as_of=AS_OF)
    assert other[0] != headers["webhook-id"]


def test_a_busy_receiver_is_asked_again_under_the_same_id() -> None:
    with receiver(503, 429, 200) as server:
        assert webhook.send_alerts(ALERTS, as_of=AS_OF, params=params(server)) == 200
    assert len({headers["webhook-id"] for headers, _ in server.got}) == 1
    with receiver(500) as server, pytest.raises(RetryableError, match=r"127\.0\.0\.1 answered 500, 3 times"):
        webhook.send_alerts(ALERTS, as_of=AS_OF, params=params(server))


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410])
def test_refusals_and_redirects_are_failures_and_name_no_path(status: int) -> None:
    with receiver(status) as server, pytest.raises(ConfigurationError, match=f"answered {status}") as raised:
        webhook.send_alerts(ALERTS, as_of=AS_OF, params=params(server))
    assert len(server.got) == 1, "nobody was sent elsewhere"
    assert "token" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_nobody_listening_is_tried_again_later() -> None:
    with receiver(200) as server:
        closed = params(server)
    with pytest.raises(RetryableError, match="cannot be reached") as raised:
        webhook.send_alerts(ALERTS, as_of=AS_OF, params=closed)
    assert raised.value.exit_code == 4


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "http://127.0.0.1.example.org/hook",
        "http://0.0.0.0/hook",
        "https://user:password@example.org/hook",
        "file:///etc/passwd",
        "https:///hook",
        "example.org",
    ],
)
def test_addresses_that_are_not_safe_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="https"):
        webhook.check_url(url)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "not base64 at all", "whsec_" + "A" * 400])
def test_a_secret_that_is_missing_or_weak_is_refused_without_being_shown(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_WEBHOOK_SECRET", secret)
    with pytest.raises(ConfigurationError, match="SEGMENTATION_WEBHOOK_SECRET") as raised:
        webhook.read_secret(WebhookParams(url="https://example.org"))
    assert not secret.removeprefix("whsec_") or secret not in str(raised.value)


def test_https_and_this_machine_are_fine() -> None:
    for url in ("https://example.org/hook?a=1", "http://localhost:8080/hook", "http://[::1]:8080/hook"):
        assert webhook.check_url(url) == url
