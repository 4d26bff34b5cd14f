"""Fetch the schemas of Avro messages from a schema registry with Confluent's API."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from segmentation.errors import ConfigurationError, DataError, RetryableError
from segmentation.outgoing.checks import LOOPBACK, check_redirect, without_proxy
from segmentation.sources.secrets import fill_in

if TYPE_CHECKING:
    from segmentation.sources.kafka import KafkaParams

TIMEOUT_S = 30
MAX_BYTES = 16 * 2**20
"""A longer answer is not read."""
ACCEPTED = "application/vnd.schemaregistry.v1+json, application/json"
REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
UNKNOWN_ID = range(40400, 40500)
"""`error_code` of a registry that has no such schema. Any other server answers 404 without it."""


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follow redirects on the same host only: the login is sent with every request."""

    def redirect_request(self, req: urllib.request.Request, *args: Any) -> urllib.request.Request | None:
        check_redirect(req.full_url, args[-1])
        return super().redirect_request(req, *args)


def check_registry(url: str, *, has_login: bool) -> None:
    """Check the address of a registry.

    A registry may stand on a private network, as its brokers do, so its address is not restricted further.

    Raises:
        ValueError: it is not an address of http or https, holds a name or password, or a login would be sent over
            http to another machine.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("write name and password of the registry into registry_login, as ${NAME} of the environment")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"'{url}' is not the address of a registry: write http://host:port or https://host")
    if parts.query or parts.fragment:
        raise ValueError("the address of a registry has no '?' and no '#'")
    if has_login and parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError("a login is sent to a registry by https only: write https://host")


def fetch_schema(params: KafkaParams, schema_id: int) -> str | None:
    """Return the Avro schema of an id, as JSON; None if the registry has no schema of this id.

    Raises:
        ConfigurationError: no registry is set, it refuses the login, redirects to another host, or is no registry.
        DataError: the schema is not a record of Avro, or refers to other schemas.
        RetryableError: the registry does not answer.
    """
    if params.registry is None:
        raise ConfigurationError(f"topic '{params.topic}' holds Avro: set kafka.registry in the mapping")
    url = f"{params.registry.rstrip('/')}/schemas/ids/{schema_id}"
    request = urllib.request.Request(url, headers={"Accept": ACCEPTED, **_login(params)})  # noqa: S310  check_registry
    try:
        with urllib.request.build_opener(_SameHost, *without_proxy(url)).open(request, timeout=TIMEOUT_S) as answer:
            text = answer.read(MAX_BYTES)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND and _error_code(error) in UNKNOWN_ID:
            return None
        _refuse(params.registry, error.code)
    except (OSError, HTTPException) as error:
        kind = getattr(error, "reason", None) or type(error).__name__
        raise RetryableError(
            f"the schema registry {params.registry} does not answer ({kind}); start the same command again"
        ) from error
    return _avro_of(text, schema_id)


def _refuse(registry: str, code: int) -> NoReturn:
    if code in REFUSED:
        raise ConfigurationError(
            f"the schema registry {registry} refuses the login ({code}): see kafka.registry_login of the mapping"
        )
    if code == HTTPStatus.NOT_FOUND:
        raise ConfigurationError(
            f"{registry} is not the address of a schema registry with Confluent's API: it answers 404 to /schemas/ids"
        )
    raise RetryableError(f"the schema registry {registry} answers {code}; start the same command again")


def _error_code(error: urllib.error.HTTPError) -> object:
    try:
        found = json.loads(error.read(MAX_BYTES))
    except (OSError, HTTPException, ValueError):
        return None
    return found.get("error_code") if isinstance(found, dict) else None


def _avro_of(text: bytes, schema_id: int) -> str:
    found = _json_of(text)
    kind = found.get("schemaType", "AVRO") if isinstance(found, dict) else ""
    if kind != "AVRO" or not isinstance(found.get("schema"), str):
        raise DataError(f"schema {schema_id} of the registry is {kind or 'unreadable'}; only Avro is read")
    if found.get("references"):
        raise DataError(f"schema {schema_id} of the registry refers to other schemas, which is not supported")
    schema = _json_of(found["schema"])
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise DataError(f"schema {schema_id} of the registry is not a record; its messages have no columns")
    return str(found["schema"])


def _json_of(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _login(params: KafkaParams) -> dict[str, str]:
    if params.registry_login is None:
        return {}
    login = fill_in(params.registry_login, "kafka.registry_login").encode()
    return {"Authorization": f"Basic {base64.b64encode(login).decode()}"}
