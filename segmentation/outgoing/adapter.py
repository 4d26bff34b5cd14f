"""Guard of HTTP requests that leave this machine: https, declared hosts, and no address of a private network.

Each check is made where it cannot be passed by: the URL of every request before it is sent, the target of a redirect
before it is followed, and the address of the connected socket before the first byte. Proxies of the environment are
not used, because the guard could then not see the address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from segmentation.errors import ConfigurationError
from segmentation.outgoing.checks import check_peer, check_redirect, check_request_url

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    import requests


def guarded_adapter(
    hosts: Sequence[str], *, allow_loopback: bool = False, inspect: Callable[[requests.Response], None] | None = None
) -> HTTPAdapter:
    """Return an adapter for `requests` that applies both checks to every request and connection.

    Args:
        hosts: allowed hosts, as in :func:`segmentation.outgoing.checks.check_request_url`.
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
