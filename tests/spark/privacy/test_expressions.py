"""Keyed expressions against RFC 4231 and Python's own HMAC."""

from __future__ import annotations

import base64
import hmac
import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.frames import union_all
from segmentation.privacy import keys as keys_module
from segmentation.privacy.expressions import hmac_sha256, pseudonym, read_sealed, sealed
from segmentation.privacy.keys import Keys, binary_row, key_frame, pads

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

RFC_4231 = (
    ("0b" * 20, b"Hi There".hex(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe".hex(),
        b"what do ya want for nothing?".hex(),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)).hex(), "cd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (
        "aa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        "aa" * 131,
        (
            b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to "
            b"be hashed before being used by the HMAC algorithm."
        ).hex(),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
)
"""Test cases 1 to 4, 6 and 7 (5 is of a truncated result)."""
KEYS = Keys("k7", b"p" * 32, b"n" * 32, b"s" * 32, "check")


def test_hmac_gives_the_vectors_of_rfc_4231(spark: SparkSession) -> None:
    parts = []
    for key, message, _ in RFC_4231:
        inner, outer = pads(bytes.fromhex(key))
        parts.append(binary_row(spark, {"inner": inner, "outer": outer, "message": bytes.fromhex(message)}))
    made = union_all(parts).select("message", hmac_sha256(F.col("inner"), F.col("outer"), F.col("message")).alias("h"))
    found = {bytes(row["message"]).hex(): row["h"] for row in made.collect()}
    # Two cases share no message, so that the message names the case.
    assert found == {message: expected for _, message, expected in RFC_4231}


def test_pseudonyms_are_pythons_and_sealed_text_comes_back(spark: SparkSession) -> None:
    texts = ["u1", "jo@example.org", "Zoë", "日本", " ", "x" * 1_000, None]
    rows = [("b1", number, text) for number, text in enumerate([*texts, "u1"])]
    df = spark.createDataFrame(rows, "unit_id string, record_no bigint, text string")
    seal = sealed(F.col("text"), F.col("unit_id"), F.col("record_no")).alias("raw")
    keyed = df.crossJoin(key_frame(spark, KEYS)).select(*df.columns, pseudonym(F.col("text")).alias("p"), seal)
    made = keyed.orderBy("record_no").collect()
    for row in made:
        plain = row["text"]
        expected = None if plain is None else "k7." + hmac.new(KEYS.pseudonym, plain.encode(), "sha256").hexdigest()
        assert row["p"] == expected
    assert [row["raw"] for row in made] == [row["raw"] for row in keyed.orderBy("record_no").collect()]
    assert made[0]["raw"] != made[-1]["raw"], "equal texts of two records are not seen to be equal"
    stored = spark.createDataFrame([(row["raw"],) for row in made] + [("{}",)], "raw string")
    assert [row["raw_text"] for row in read_sealed(stored, KEYS).collect()] == [row["text"] for row in made] + ["{}"]
    other = Keys("k7", KEYS.pseudonym, KEYS.nonce, b"t" * 32, "check")
    assert {row["raw_text"] for row in read_sealed(stored, other).collect()} == {None, "{}"}


def test_the_gateways_debug_log_shows_no_key(spark: SparkSession, caplog, monkeypatch) -> None:
    sent = base64.b64encode(KEYS.seal).decode()
    with caplog.at_level(logging.DEBUG, logger="py4j"):
        key_frame(spark, KEYS)
        assert sent not in caplog.text
        monkeypatch.setattr(keys_module, "_gateway_silenced", nullcontext)
        key_frame(spark, KEYS)
        assert sent in caplog.text, "this is how it would show"
