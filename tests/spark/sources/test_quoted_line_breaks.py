"""CSV whose quoted fields hold line breaks: each record once, and a quote that nobody closes costs its own line."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from segmentation.errors import DataError
from tests.spark.sources.reading import fates
from tests.spark.sources.test_hostile_files import AT, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import Row, SparkSession

pytestmark = pytest.mark.spark

HEADER = "id,event,at,no,value,user"
MULTILINE = "format: csv\nmultiline: true"
MALFORMED = ["malformed"]


def record(number: int, user: str) -> str:
    return f"{number},view,{AT},1,1.5,{user}"


def check_lines(rows: list[Row], lines: int) -> None:
    """The records take up the lines of the file; of an accepted one only its user may hold breaks."""
    texts = [row["raw"] if row["rejected"] else row["user_id"] for row in rows]
    assert sum(len(text.splitlines()) for text in texts) == lines


def test_records_span_lines_and_broken_ones_swallow_nothing(spark: SparkSession, tmp_path: Path) -> None:
    long_name = "n,\n" * 400_000 + "x"  # a stack would overflow
    fate_of = [
        (record(1, '"ana\r\nmaria"'), "ana\r\nmaria"),
        (record(2, '"bob ""the\nbuilder"""'), 'bob "the\nbuilder"'),
        (record(3, '"nobody closes this'), MALFORMED),
        (record(4, "cyd"), "cyd"),
        (record(5, '"dan'), MALFORMED),
        (record(6, '"ed, jr."'), "ed, jr."),
        (record(7, '5" pipe'), '5" pipe'),
        ('""', MALFORMED),
        (record(8, f'"{long_name}"'), long_name),
        (record(9, '"one\ncolumn"') + ",more", MALFORMED),
        (f'"10\n",view,{AT},1,1.5', MALFORMED),
        (record(11, '"closed" and open'), MALFORMED),
        (record(12, 'Zo\u00eb\ufeff "\u20ac"'), 'Zo\u00eb\ufeff "\u20ac"'),
        (record(13, '"fay'), MALFORMED),
        (record(14, "gus"), "gus"),
    ]
    texts = [text for text, _ in fate_of]
    body = "\r\n".join([HEADER, *texts[:7], "", "  ", *texts[7:]]).encode() + b"\n\xff,x"
    (tmp_path / "shop.csv").write_bytes(b"\xef\xbb\xbf" + body)
    rows = take_in(spark, tmp_path, MULTILINE, tmp_path / "shop.csv")
    assert fates(rows) == [*(fate for _, fate in fate_of), MALFORMED]
    malformed = {row["raw"]: row["location"].rsplit(" ", 2)[1:] for row in rows if row["rejected"]}
    assert list(malformed) == [text for text, fate in fate_of if fate == MALFORMED] + ["\ufffd,x"]
    assert malformed['""'] == ["record", "11"]  # header and two empty lines of which one has a blank: 9 before it
    check_lines(rows, len([line for line in body.decode("latin-1").splitlines() if line.strip()]) - 1)


def test_lines_may_end_as_they_like_and_bytes_mean_what_is_declared(spark: SparkSession, tmp_path: Path) -> None:
    head = f'{MULTILINE}\nencoding: windows-1252\ndelimiter: \u00a7\nquote: "\'"\nheader: [{HEADER}]'
    euro, lone = "'\u20ac,\n,Zo\u00eb'", "'dan"
    bodies = {
        "a.csv": "\r".join([record(1, "ana"), record(2, "bob"), "", record(3, "'cyd"), ""]),
        "b.csv": record(4, euro) + "\r\n" + record(5, lone),
    }
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body.replace(",", "\u00a7").encode("windows-1252"))
    rows = take_in(spark, tmp_path, head, *(tmp_path / name for name in bodies))
    assert fates(rows) == ["ana", "bob", MALFORMED, "\u20ac\u00a7\n\u00a7Zo\u00eb", MALFORMED]
    assert [row["location"].rsplit("/", 1)[1] for row in rows if row["rejected"]] == [
        "a.csv record 4",
        "b.csv record 2",
    ]


def test_a_truncated_archive_is_named_and_refused(spark: SparkSession, tmp_path: Path) -> None:
    lines = (record(number, f'"u{number}\n{number * 7919 % 104729}"') for number in range(2_000))
    path = tmp_path / "shop.csv.gz"
    path.write_bytes(gzip.compress("\n".join([HEADER, *lines]).encode())[:-60])
    with pytest.raises(DataError, match=r"shop\.csv\.gz cannot be read"):
        take_in(spark, tmp_path, MULTILINE, path)
