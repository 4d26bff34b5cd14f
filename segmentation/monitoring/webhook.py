"""Tells a receiver of alerts: one signed POST, as Standard Webhooks says (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from segmentation.errors import ConfigurationError, RetryableError
from segmentation.outgoing.checks import LOOPBACK, without_proxy
from segmentation.parameters import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from segmentation.monitoring.alerts import Alert
    from segmentation.monitoring.params import WebhookParams

SECRET_PREFIX = "whsec_"  # noqa: S105  the prefix of every secret, not one
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret that the specification allows."""
AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
FIRST_WAIT_S = 1.0
EVENT = "segments.alert"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Treat a redirect as a failure: alerts and their signature are sent to the configured address only."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def read_secret(params: WebhookParams) -> bytes:
    """Return the key that calls are signed with.

    Raises:
        ConfigurationError: the environment has none, or it is no secret of 24 to 64 bytes.
    """
    text = os.environ.get(params.secret_env, "")
    if not text:
        raise ConfigurationError(f"webhook.url is set: put its secret into {params.secret_env}")
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not SHORTEST <= len(key) <= LONGEST:
        raise ConfigurationError(
            f"{params.secret_env} must be {SECRET_PREFIX} and base64 of {SHORTEST} to {LONGEST} bytes, "
            f'as "{SECRET_PREFIX}$(openssl rand -base64 32)" gives'
        )
    return key


def check_url(url: str) -> str:
    """Return the receiver's address if alerts may go there.

    Raises:
        ConfigurationError: it is neither https nor this machine's, or holds a name and password.
    """
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or parts.username is not None or not (parts.scheme == "https" or local):
        raise ConfigurationError(
            "webhook.url must be https://... without name and password; http is for localhost alone"
        )
    return url


def compose_message(alerts: Sequence[Alert], *, as_of: date) -> tuple[str, bytes]:
    """Return id and body of the call. The same alerts of a cut give the same both, so that receivers know a repeat."""
    fields = ("metric", "scope", "value", "threshold", "q_value", "message")
    data = {"as_of": as_of.isoformat(), "alerts": [{name: getattr(a, name) for name in fields} for a in alerts]}
    body = json.dumps({"type": EVENT, "data": data}, separators=(",", ":")).encode()
    return f"msg_{fingerprint_of(data)}", body


def sign(message_id: str, timestamp: int, body: bytes, *, key: bytes) -> str:
    """Return the signature of a call: version 1, HMAC-SHA-256 over id, timestamp (seconds) and body."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def send_alerts(alerts: Sequence[Alert], *, as_of: date, params: WebhookParams) -> int:
    """Send the alerts of a cut in one call; tried again, with waits that double, where the receiver is away or busy.

    Returns:
        the status of the answer, 200 to 299.

    Raises:
        ConfigurationError: address or secret are wrong, or the receiver refuses the call; names its host, never the
            rest of the address, which may hold a token.
        RetryableError: it could not be reached, or not in time.
    """
    url, key = check_url(params.url or ""), read_secret(params)
    message_id, body = compose_message(alerts, as_of=as_of)
    opener = urllib.request.build_opener(_NoRedirect, *without_proxy(url))
    problem = ""
    for attempt in range(params.attempts):
        if attempt:
            time.sleep(FIRST_WAIT_S * 2 ** (attempt - 1))
        timestamp = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(message_id, timestamp, body, key=key),
        }
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310  checked above
        try:
            with opener.open(request, timeout=params.timeout_s) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            problem = f"{urlsplit(url).hostname} answered {error.code}"
            if error.code not in AGAIN and error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise ConfigurationError(f"alerts are published, but not sent: {problem}") from None
        except (OSError, ValueError) as error:
            problem = f"{urlsplit(url).hostname} cannot be reached ({type(error).__name__})"
    raise RetryableError(f"alerts are published, but not sent: {problem}, {params.attempts} times; run the job again")
