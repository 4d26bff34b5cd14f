"""Read the objects of an API by dlt's `rest_api`, through the guard of outgoing requests."""

from __future__ import annotations

import os
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from segmentation.errors import ConfigurationError, DataError, RetryableError
from segmentation.outgoing.adapter import guarded_adapter
from segmentation.outgoing.checks import check_request_url
from segmentation.sources.secrets import fill_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segmentation.pulls.declaration import DetailParams, PullDeclaration

FROM = "{from}"
QUIET = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",  # requests are not logged: they may hold what is secret
}
ATTEMPTS = 5
THROTTLED = "THROTTLED"


class PulledObject(NamedTuple):
    """An object of an API."""

    listed: dict[str, Any]
    """As the list holds it, with the cursor."""
    whole: dict[str, Any]
    """As its own request returns it; empty if it was deleted in between."""


def read_objects(declaration: PullDeclaration, begin: str) -> Iterator[PulledObject]:
    """Return the objects of an API from a time on, in its order. Pages are requested as they are needed.

    An answer of 429 or 5xx and a lost connection are tried five times, with the wait that the API asks for.

    Args:
        declaration: of the pull.
        begin: `{from}` in the form of the declaration.

    Raises:
        ConfigurationError: dlt or the token is missing, a host is not allowed, or the API refuses (401, 403, 404).
        DataError: the answer is not what the declaration says, or an error of a GraphQL query.
        RetryableError: the API did not answer, or asks to wait.
    """
    rest_api_resources, new_client, create_auth = import_dlt()
    base_url = fill_in(declaration.base_url, f"pull {declaration.name}")
    check_request_url(base_url, declaration.hosts, allow_loopback=declaration.allow_loopback)
    session = _session(declaration)
    client = {"base_url": base_url, "auth": _auth(declaration), "session": session}
    resource = {"name": declaration.name, **_filled(declaration.resource, begin, declaration.name)}
    with _named_errors(declaration.name):
        (objects,) = rest_api_resources({"client": client, "resources": [resource]})
        # dlt's dependent resources do not keep the order of their parents, so details are requested here.
        details = new_client(base_url=base_url, auth=create_auth(client["auth"]), session=session)
        for listed in objects:
            yield PulledObject(
                listed, listed if declaration.detail is None else _detail(details, declaration.detail, listed)
            )


def _detail(client: Any, detail: DetailParams, listed: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(detail.path.replace("{id}", quote(str(listed["id"]), safe="")), params=detail.params)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return {}
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    """Turn errors of dlt and of requests into ours. Theirs may hold the query, and with it what is secret."""
    from requests import exceptions  # noqa: PLC0415  comes with dlt

    try:
        yield
    except Exception as error:
        cause = _root(error)
        if isinstance(cause, (ConfigurationError, DataError, RetryableError)):
            raise cause from None
        if isinstance(cause, exceptions.HTTPError) and cause.response is not None:
            raise _refusal(name, cause.response.status_code) from None
        if isinstance(cause, (exceptions.RequestException, OSError)):
            kind = type(cause).__name__
            raise RetryableError(
                f"pull {name}: the API did not answer ({kind}); start the same command again"
            ) from None
        raise


def import_dlt() -> tuple[Any, Any, Any]:
    """Import what is needed of dlt without its telemetry: resources, client and authentication.

    Raises:
        ConfigurationError: it is not installed.
    """
    os.environ.update(QUIET)
    try:
        from dlt.sources.helpers.rest_client.client import RESTClient  # noqa: PLC0415  an optional extra
        from dlt.sources.rest_api import rest_api_resources  # noqa: PLC0415
        from dlt.sources.rest_api.config_setup import create_auth  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError("pulling from an API needs dlt: pip install 'customer-segmentation[pull]'") from error
    return rest_api_resources, RESTClient, create_auth


def _session(declaration: PullDeclaration) -> Any:
    from dlt.sources.helpers.requests.retry import Client  # noqa: PLC0415  an optional extra

    session = Client(raise_for_status=False, request_max_attempts=ATTEMPTS, request_backoff_factor=0.5).session
    session.trust_env = False
    adapter = guarded_adapter(declaration.hosts, allow_loopback=declaration.allow_loopback, inspect=_refuse_errors)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _auth(declaration: PullDeclaration) -> dict[str, str]:
    token = os.environ.get(declaration.token, "").strip()
    if not token:
        raise ConfigurationError(f"pull {declaration.name}: put the API's token into {declaration.token}")
    if declaration.token_header is None:
        return {"type": "bearer", "token": token}
    return {"type": "api_key", "name": declaration.token_header, "api_key": token, "location": "header"}


def _refuse_errors(response: Any) -> None:
    """Treat errors in a GraphQL answer as such: its status is 200, and it would look like a last page."""
    if not response.ok or b'"errors"' not in response.content:
        return
    answer = response.json()
    errors = answer.get("errors") if isinstance(answer, dict) else None
    if not errors:
        return
    if THROTTLED in response.text:
        raise RetryableError("the API asks to wait (THROTTLED); start the same command again")
    first = errors[0] if isinstance(errors, list) else errors
    text = first.get("message", "") if isinstance(first, dict) else first
    raise DataError(f"the API refused the query: {str(text)[:200]}")


def _filled(value: Any, begin: str, name: str) -> Any:
    """Put the time in the place of `{from}` and the environment's value in that of `${NAME}`.

    Other braces are escaped, because dlt would read them as placeholders.
    """
    if isinstance(value, dict):
        return {key: _filled(inner, begin, name) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(inner, begin, name) for inner in value]
    if not isinstance(value, str):
        return value
    parts = fill_in(value, f"pull {name}").split(FROM)
    return begin.join(part.replace("{", "{{").replace("}", "}}") for part in parts)


def _root(error: BaseException) -> BaseException:
    """Return the first cause of an error: dlt wraps those of requests."""
    from requests import exceptions  # noqa: PLC0415  comes with dlt

    known = (ConfigurationError, DataError, RetryableError, exceptions.RequestException)
    found: BaseException | None = error
    while found is not None and not isinstance(found, known):
        found = found.__cause__ or found.__context__
    return found or error


def _refusal(name: str, status: int) -> Exception:
    if status in {401, 403}:
        return ConfigurationError(f"pull {name}: the API refused the token ({status}): is it valid, with its scopes?")
    if status == 429 or status >= 500:  # noqa: PLR2004  too many requests, errors of the server
        return RetryableError(f"pull {name}: the API answered {status}; start the same command again")
    return ConfigurationError(f"pull {name}: the API answered {status}: check base_url and resource")
