"""The key: read from where secrets are kept, taken apart by purpose, and handed to Spark as data, never as text."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from segmentation.errors import ConfigurationError
from segmentation.jvm import binary_frame
from segmentation.parameters import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from segmentation.privacy.params import PrivacyParams

LEAST_BYTES = 32
BLOCK = 64
"""Bytes of a block of SHA-256 (RFC 2104: B)."""
INNER, OUTER = 0x36, 0x5C
KEY_COLUMNS = ("_pseudonym_inner", "_pseudonym_outer", "_nonce_inner", "_nonce_outer", "_seal_key", "_key_id")


@dataclass(frozen=True, repr=False)
class Keys:
    """One key per purpose, each HMAC-SHA-256 of the secret and the purpose's name: none tells another."""

    key_id: str
    pseudonym: bytes
    nonce: bytes
    seal: bytes
    check: str
    """Fingerprint of name and key: another key under the same name is noticed. Tells nothing of the key."""


def load_keys(params: PrivacyParams) -> Keys:
    """Read the secret and derive the keys.

    Raises:
        ConfigurationError: there is no secret, or it is not at least 64 hexadecimal digits; never shows it.
    """
    secret = _secret(params)

    def derived(purpose: str) -> bytes:
        return hmac.digest(secret, f"customer-segmentation {purpose}".encode(), "sha256")

    return Keys(
        key_id=params.key_id,
        pseudonym=derived("pseudonyms"),
        nonce=derived("nonces"),
        seal=derived("raw text"),
        check=fingerprint_of([params.key_id, derived("check").hex()]),
    )


def _secret(params: PrivacyParams) -> bytes:
    where = params.key_file or f"environment variable {params.key_env}"
    try:
        text = Path(params.key_file).read_text("ascii") if params.key_file else os.environ.get(params.key_env, "")
    except (OSError, UnicodeDecodeError):
        text = ""
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) < LEAST_BYTES:
        raise ConfigurationError(
            f"privacy needs a key: {where} must hold at least {2 * LEAST_BYTES} hexadecimal digits, "
            "as `openssl rand -hex 32` makes them"
        )
    return secret


def pads(key: bytes) -> tuple[bytes, bytes]:
    """Return the key in the two forms that HMAC-SHA-256 puts before a message (RFC 2104)."""
    block = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    return bytes(b ^ INNER for b in block), bytes(b ^ OUTER for b in block)


def key_frame(spark: SparkSession, keys: Keys) -> DataFrame:
    """Make the one row (KEY_COLUMNS) that expressions take the keys from.

    A plan shows the names of such a row's columns; a literal it would show with its value.
    """
    values = (*pads(keys.pseudonym), *pads(keys.nonce), keys.seal, keys.key_id.encode())
    return binary_row(spark, dict(zip(KEY_COLUMNS, values, strict=True)))


def binary_row(spark: SparkSession, values: dict[str, bytes]) -> DataFrame:
    """Make a frame of one row of binary columns; neither a plan nor a log shows the values."""
    with _gateway_silenced():
        return binary_frame(spark, values)


@contextmanager
def _gateway_silenced() -> Iterator[None]:
    """Keep the key out of Py4J's DEBUG log, which contains everything that Py4J sends."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.DEBUG))
    try:
        yield
    finally:
        logging.disable(before)
