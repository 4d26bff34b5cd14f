"""Check where HTTP requests go: https, declared hosts, no redirect to another host, no private network."""

from __future__ import annotations

import ipaddress
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from segmentation.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
"""Names of this machine."""


def check_request_url(url: str, hosts: Sequence[str], *, allow_loopback: bool = False) -> None:
    """Refuse a URL that is not https, holds a password, or names a host that is not declared.

    Args:
        url: the address of a request.
        hosts: allowed hosts; `*.example.com` allows every host below example.com.
        allow_loopback: allow http to this machine, for tests.

    Raises:
        ConfigurationError: names the host, never the rest of the URL, which may hold a token.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if allow_loopback and host in LOOPBACK:
        return
    if parts.scheme != "https":
        raise ConfigurationError(f"a request to {host or 'an unnamed host'} was refused: only https is allowed")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"a request to {host} was refused: the URL holds a name or password")
    if not any(_is_allowed(host, pattern.lower()) for pattern in hosts):
        raise ConfigurationError(f"a request to {host} was refused: it is not one of `hosts` ({', '.join(hosts)})")


def check_peer(address: str, *, allow_loopback: bool = False) -> None:
    """Refuse an address of a private, local or reserved network.

    Raises:
        ConfigurationError: names the address.
    """
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_loopback and allow_loopback:
        return
    if not ip.is_global or ip.is_multicast:
        raise ConfigurationError(f"a connection to {ip} was refused: it is an address of a private network")


def check_redirect(url: str, location: str) -> None:
    """Refuse a redirect to another host, also to a declared one: `requests` would send a header with a token there.

    Raises:
        ConfigurationError: names both hosts.
    """
    asked, offered = urlsplit(url), urlsplit(urljoin(url, location))
    if (asked.scheme, asked.netloc) != (offered.scheme, offered.netloc):
        raise ConfigurationError(
            f"{asked.hostname} redirects to {offered.hostname}, which was refused: it is another host"
        )


def without_proxy(url: str) -> list[urllib.request.BaseHandler]:
    """Return the handlers by which `urllib` leaves out the environment's proxy where the receiver is this machine."""
    return [urllib.request.ProxyHandler({})] if urlsplit(url).hostname in LOOPBACK else []


def _is_allowed(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
