"""Secrets in settings: named in a mapping, taken from the environment or a file when a client is opened."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from segmentation.errors import ConfigurationError

_REFERENCE = re.compile(r"\$\{(file:)?([^{}]+)\}")
_SECRET_NAME = re.compile(r"password|secret|keystore\.key$", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"(password|secret)\s*=\s*[\"']?(?!\$\{)[^\"'\s;&]", re.IGNORECASE)


def _as_texts(value: object) -> object:
    """Turn the values of a YAML mapping into the texts that clients take."""
    if not isinstance(value, dict):
        return value
    return {name: str(v).lower() if isinstance(v, bool) else str(v) for name, v in value.items()}


def refuse_secrets(settings: dict[str, str]) -> dict[str, str]:
    """Refuse secrets that are written out.

    Raises:
        ValueError: names the setting, never its value.
    """
    for name, text in settings.items():
        if (_SECRET_NAME.search(name) and not _REFERENCE.search(text)) or _SECRET_TEXT.search(text):
            raise ValueError(f"{name} holds a secret: write ${{NAME}} (environment) or ${{file:/path}} in its place")
    return settings


ClientOptions = Annotated[dict[str, str], BeforeValidator(_as_texts), AfterValidator(refuse_secrets)]
"""Settings of a client, secrets named: `${NAME}` is taken from the environment, `${file:/path}` from a file."""


def fill_in(text: str, client: str) -> str:
    """Put the values in the place of `${NAME}` and `${file:/path}`: not to be shown or stored.

    Raises:
        ConfigurationError: a variable is not set or a file cannot be read; names it, and the client.
    """

    def referred(found: re.Match[str]) -> str:
        is_file, name = found.groups()
        if not is_file:
            value = os.environ.get(name)
            if value is None:
                raise ConfigurationError(f"{client}: the environment variable {name} is not set")
            return value
        try:
            return Path(name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"{client}: {name} cannot be read ({error.strerror})") from error

    return _REFERENCE.sub(referred, text)
