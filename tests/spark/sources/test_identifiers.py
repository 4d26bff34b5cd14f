"""One person is one id, however its signs are written and whatever blanks stand around it."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.sources.identifiers import BLANKS, compose_identifier, trim_identifier
from tests.spark.sources.reading import fates
from tests.spark.sources.test_hostile_files import AT, HEADER, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

COMPOSED = "Zo\u00eb \u00c5ngstr\u00f6m"
PLAIN = [" ana\t", "\u00a0ana", "ana\u200b\u3000", "\ufeffana ", "ana"]


def test_ids_are_trimmed_of_all_blanks_and_composed_where_that_is_said(spark: SparkSession, tmp_path: Path) -> None:
    names = [*PLAIN, COMPOSED, unicodedata.normalize("NFD", COMPOSED), " \u2003\u00a0 ", "an\u00a0a"]
    lines = [f"{name}{number},{name},view,{AT},1,1.5" for number, name in enumerate(names)]
    (tmp_path / "shop.csv").write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    rows = take_in(spark, tmp_path, "format: csv\nid_form: nfc", tmp_path / "shop.csv")
    assert fates(rows) == [*["ana"] * 5, COMPOSED, COMPOSED, ["null_user"], "an\u00a0a"]
    assert [row["event_id"] for row in rows[5:7]] == [f"{COMPOSED}5", f"{COMPOSED}6"]
    sent = take_in(spark, tmp_path, "format: csv", tmp_path / "shop.csv")
    assert fates(sent)[5:7] == names[5:7]


def test_composing_and_trimming_are_those_of_unicode(spark: SparkSession) -> None:
    """Against Python's own tables, on every sign that has another form or is a blank."""
    signs = [chr(code) for code in range(32, 0x30000) if not 0xD800 <= code < 0xE000]
    assert all(sign in BLANKS for sign in signs if sign.isspace())
    changing = [s for s in signs if unicodedata.normalize("NFD", s) != s and not 0xAC00 <= ord(s) < 0xD7A4]
    texts = [unicodedata.normalize("NFD", s) + "\u0301\u0323x" for s in changing] + ["\u1112\u1161\u11ab", "plain"]
    both = F.transform(F.lit(texts), lambda text: F.struct(text.alias("sent")))
    rows = spark.range(1).select(F.inline(both)).select("sent", compose_identifier(F.col("sent")).alias("composed"))
    assert [row["composed"] for row in rows.collect()] == [unicodedata.normalize("NFC", text) for text in texts]
    around = spark.range(1).select(F.lit(f"{BLANKS}a{BLANKS}b{BLANKS}").alias("sent"), F.lit(BLANKS).alias("blank"))
    assert tuple(around.select(*(trim_identifier(F.col(n)) for n in ("sent", "blank"))).first()) == (
        f"a{BLANKS}b",
        None,
    )
