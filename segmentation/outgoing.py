"""Guard of HTTP requests that leave this machine: https, declared hosts, and no address of a private network.

Each check is made where it cannot be passed by: the URL of every request before it is sent, the target of a redirect
before it is followed, and the address of the connected socket before the first byte. Proxies of the environment are
not used, because the guard could then not see the address.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from segmentation.errors import ConfigurationError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    import requests

LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}


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
    if allow_loopback and host in LOOPBACK_NAMES:
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


def guarded_adapter(
    hosts: Sequence[str], *, allow_loopback: bool = False, inspect: Callable[[requests.Response], None] | None = None
) -> HTTPAdapter:
    """Return an adapter for `requests` that applies both checks to every request and connection.

    Args:
        hosts: allowed hosts, as in :func:`check_request_url`.
        allow_loopback: allow http to this machine, for tests.
        inspect: called with every answer.
    """

    def connected(new_connection: Any) -> Any:
        def connect(self: Any) -> socket.socket:
            opened: socket.socket = new_connection(self)
            try:
                check_peer(opened.getpeername()[0], allow_loopback=allow_loopback)
            except ConfigurationError:
                opened.close()
                raise
            return opened

        return connect

    http = type("GuardedHTTP", (HTTPConnection,), {"_new_conn": connected(HTTPConnection._new_conn)})  # noqa: SLF001  urllib3 has no other place
    https = type("GuardedHTTPS", (HTTPSConnection,), {"_new_conn": connected(HTTPSConnection._new_conn)})  # noqa: SLF001  as above
    pools = {
        "http": type("GuardedHTTPPool", (HTTPConnectionPool,), {"ConnectionCls": http}),
        "https": type("GuardedHTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": https}),
    }

    class Guarded(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = pools

        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            check_request_url(request.url or "", hosts, allow_loopback=allow_loopback)
            response = super().send(request, *args, **kwargs)
            check_redirect(request.url or "", response.headers.get("location", "") if response.is_redirect else "")
            if inspect is not None:
                inspect(response)
            return response

    return Guarded()


def _is_allowed(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
