"""Keyed expressions: HMAC-SHA-256, pseudonyms, sealed text. The keys are columns of the one-row frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.privacy.keys import key_frame

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.privacy.keys import Keys

SEALED = "sealed:"
NONCE_BYTES = 12
TEXT = "raw_text"


def hmac_sha256(inner: Column, outer: Column, message: Column) -> Column:
    """Return HMAC-SHA-256 as lower-case hexadecimal digits (RFC 2104), null of null.

    Args:
        inner: the key's block XOR ipad (:func:`segmentation.privacy.keys.pads`).
        outer: the key's block XOR opad.
        message: binary.
    """
    return F.sha2(F.concat(outer, F.unhex(F.sha2(F.concat(inner, message), 256))), 256)


def pseudonym(text: Column) -> Column:
    """Return the pseudonym of a text: the key's name, a dot and the HMAC of its UTF-8 bytes; null of null.

    The same text has the same pseudonym wherever it stands, so that it can still be joined.
    """
    digest = hmac_sha256(F.col("_pseudonym_inner"), F.col("_pseudonym_outer"), text.cast("binary"))
    return F.concat(_key_id(), F.lit("."), digest)


def sealed(text: Column, *position: Column) -> Column:
    """Encrypt a text: AES-256-GCM as `sealed:<key id>:<base64 of nonce, ciphertext and tag>`.

    The nonce is an HMAC of the record's position and its text: equal runs give equal rows, and one nonce never meets
    two texts (SP 800-38D asks for no more), which a nonce of the position alone could not promise of a changed file.
    """
    place = F.concat_ws("\u001f", *(part.cast("string") for part in position), F.lit(""))
    message = F.concat(place.cast("binary"), text.cast("binary"))
    digest = hmac_sha256(F.col("_nonce_inner"), F.col("_nonce_outer"), message)
    nonce = F.substring(F.unhex(digest), 1, NONCE_BYTES)
    cipher = F.aes_encrypt(text.cast("binary"), F.col("_seal_key"), F.lit("GCM"), F.lit("DEFAULT"), nonce)
    return F.concat(F.lit(SEALED), _key_id(), F.lit(":"), F.base64(cipher))


def _key_id() -> Column:
    return F.col("_key_id").cast("string")


def read_sealed(quarantine: DataFrame, keys: Keys) -> DataFrame:
    """Add `raw_text` to rows of `quarantine`: the text of what is sealed under these keys.

    Grain: a row in, the same row out. Text that was never sealed is given as it stands; null where the text was
    dropped, or sealed under another key.
    """
    mark = f"{SEALED}{keys.key_id}:"
    cipher = F.unbase64(F.substring("raw", len(mark) + 1, 2_147_483_647))
    text = F.try_aes_decrypt(cipher, F.col("_seal_key"), F.lit("GCM"), F.lit("DEFAULT")).cast("string")
    opened = F.when(F.col("raw").startswith(mark), text).when(~F.col("raw").startswith(SEALED), F.col("raw"))
    keyed = quarantine.crossJoin(F.broadcast(key_frame(quarantine.sparkSession, keys)))
    return keyed.select(*(F.col(name) for name in quarantine.columns), opened.alias(TEXT))
