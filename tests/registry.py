"""Serve the API of Confluent's schema registry on the loopback, for tests."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Registry:
    """Serve schemas by their ids while the context is open; `asked` lists the requested ids.

    With `login` a request needs `user:password`; with `moved_to` every request is redirected to another registry.
    """

    def __init__(self, schemas: Mapping[int, Any], login: str | None = None, moved_to: str | None = None) -> None:
        wanted = None if login is None else f"Basic {base64.b64encode(login.encode()).decode()}"
        asked: list[int] = []

        def respond(path: str, authorization: str | None) -> tuple[int, object]:
            if authorization != wanted:
                return 401, {"error_code": 401, "message": "Unauthorized"}
            if not path.startswith("/schemas/ids/"):
                return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}
            schema_id = int(path.rpartition("/")[2])
            asked.append(schema_id)
            if moved_to is not None:
                return 302, None
            unknown = {"error_code": 40403, "message": f"Schema {schema_id} not found"}
            return (200, schemas[schema_id]) if schema_id in schemas else (404, unknown)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code, body = respond(self.path, self.headers.get("Authorization"))
                self.send_response(code)
                if moved_to is not None:
                    self.send_header("Location", f"{moved_to}{self.path}")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.asked = asked
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Registry:  # noqa: PYI034  Self is of Python 3.11
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
