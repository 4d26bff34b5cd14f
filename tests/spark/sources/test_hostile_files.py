"""Files as they should not be: every line is accounted for under its exact reason, or the file is named and refused."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, DataError
from segmentation.sources.mapping import SourceMapping
from tests.spark.sources.reading import fates, parse_files, write_mapping

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import Row, SparkSession

pytestmark = pytest.mark.spark

FIELDS = """
fields:
  event_id: id
  user_id: user
  event_name: event
  event_at: {column: at, format: "yyyy-MM-dd HH:mm:ss"}
  sequence_no: no
  value: value
"""
HEADER = "id,user,event,at,no,value"
AT = "2024-05-01 10:00:00"


def mapping_of(folder: Path, head: str) -> SourceMapping:
    return write_mapping(folder, head + FIELDS)


def take_in(spark: SparkSession, folder: Path, head: str, *paths: Path) -> list[Row]:
    return parse_files(spark, mapping_of(folder, head), *paths)


def test_no_line_of_a_text_file_is_lost(spark: SparkSession, tmp_path: Path) -> None:
    long_name = "n" * 10_000_000
    lines = [
        f"1,ana,view,{AT},1,1.5".encode(),
        f"2,Zoë,view,{AT},1,1.5".encode(),
        f"3,Zoë,view,{AT},1,1.5".encode("latin-1"),
        f"4,bob,view,{AT},9223372036854775808,1.5".encode(),
        f"5,bob,view,{AT},1,NaN".encode(),
        f"6,bob,view,{AT},1,1e30".encode(),
        f"6b,bob,view,{AT},1,1e-999999999".encode(),
        f"7,{long_name},view,{AT},1,1.5".encode(),
        f"8;bob;view;{AT};1;1.5".encode(),
        f"9,\x00,view,{AT},1,1.5".encode(),
        b"",
        f'10,"bob,view,{AT},1,1.5'.encode(),
        f"11,eve,view,{AT},1,1.5".encode(),
    ]
    ends = [b"\n", b"\r\n", b"\r", b"\n", b"\r\n", b"\n", b"\n", b"\n", b"\n", b"\n", b"\n", b"\n", b""]
    body = b"".join(line + end for line, end in zip(lines, ends, strict=True))
    path = tmp_path / "shop.csv"
    path.write_bytes(b"\xef\xbb\xbf" + HEADER.encode() + b"\r\n" + body)
    rows = take_in(spark, tmp_path, "format: csv", path)
    assert fates(rows) == [
        "ana",
        "Zoë",
        ["malformed"],
        ["unreadable_number"],
        ["unreadable_number"],
        ["unreadable_number"],
        ["unreadable_number"],
        long_name,
        ["malformed"],
        "\x00",
        ["malformed"],
        "eve",
    ]
    assert [row["location"].rsplit(" line ", 1)[1] for row in rows if row["rejected"]] == [
        "4",
        "5",
        "6",
        "7",
        "8",
        "10",
        "13",
    ]


def test_a_mapping_declares_another_encoding_or_delimiter(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    text = f"{HEADER}\n1,Zoë €,view,{AT},1,1.5\n".replace(",", ";")
    path.write_bytes(text.encode("windows-1252") + b"2;\x81;view;" + AT.encode() + b";1;1.5\n")
    rows = take_in(spark, tmp_path, "format: csv\nencoding: windows-1252\ndelimiter: ';'", path)
    assert fates(rows) == ["Zoë €", ["malformed"]]
    with pytest.raises(ConfigurationError, match="lines cannot be told in UTF-32"):
        mapping_of(tmp_path, "format: csv\nencoding: UTF-32")
    with pytest.raises(ConfigurationError, match=r"shop\.csv has no column .*its header is: id;user;event"):
        take_in(spark, tmp_path, "format: csv", path)


def test_a_column_named_twice_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(f"{HEADER},user\n1,ana,view,{AT},1,1.5,bob\n")
    with pytest.raises(ConfigurationError, match=r"shop\.csv has two columns named user"):
        take_in(spark, tmp_path, "format: csv", path)


def test_json_lines_begin_with_a_mark_and_hold_what_they_may(spark: SparkSession, tmp_path: Path) -> None:
    def line(user: str, number: str = "1") -> str:
        return f'{{"id": "{user}", "user": "{user}", "event": "view", "at": "{AT}", "no": {number}, "value": null}}'

    path = tmp_path / "shop.jsonl"
    lines = [line("ana"), line("bob", "9223372036854775807"), line("bob", "9223372036854775808"), line("eve") * 2]
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join([*lines, line("dan")[:-9], line("zoe")]).encode())
    rows = take_in(spark, tmp_path, "format: json", path)
    assert fates(rows) == ["ana", "bob", ["unreadable_number"], ["malformed"], ["malformed"], "zoe"]
    assert rows[1]["sequence_no"] == 2**63 - 1


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_broken_archives_of_lines_are_named_and_refused(spark: SparkSession, tmp_path: Path, damage: str) -> None:
    lines = (f'{{"id": "{n}", "user": "u{n * 7919 % 104729}", "event": "view", "at": "{AT}"}}' for n in range(3_000))
    content = gzip.compress("\n".join(lines).encode(), mtime=0)
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 0x01]) + content[middle + 1 :]
    good, broken = tmp_path / "good.json.gz", tmp_path / "broken.json.gz"
    good.write_bytes(content)
    broken.write_bytes(flipped if damage == "flipped" else content[:-100])
    with pytest.raises(DataError, match=r"broken\.json\.gz cannot be read"):
        take_in(spark, tmp_path, "format: json", good, broken)


def test_broken_parquet_is_named_and_refused(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "written"
    columns = (F.concat(F.lit("u"), "id").alias("user"), F.lit("view").alias("event"), F.lit(AT).alias("at"))
    df = spark.range(5_000).select(F.col("id").cast("string"), *columns, F.col("id").alias("no"), "id")
    df.toDF("id", "user", "event", "at", "no", "value").coalesce(1).write.parquet(str(folder))
    whole = next(folder.glob("*.parquet"))
    content = whole.read_bytes()
    middle = len(content) // 2
    flipped, cut = tmp_path / "flipped.parquet", tmp_path / "cut.parquet"
    flipped.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
    cut.write_bytes(content[:-100])
    good = tmp_path / "good.parquet"
    shutil.copy(whole, good)
    assert len(take_in(spark, tmp_path, "format: parquet", good)) == 5_000
    for path in (flipped, cut):
        with pytest.raises(DataError, match=path.name):
            take_in(spark, tmp_path, "format: parquet", good, path)


def test_a_header_may_stand_below_blank_lines_and_a_name_may_hold_any_sign(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    files = {"ana": ("clicks1.csv", ""), "ben": ("clicks[1].csv", " \n\n"), "cay": ("{a,b}*?.csv", "\n")}
    for user, (name, head) in files.items():
        (folder / name).write_text(f"{head}{HEADER}\n\n{user},{user},view,{AT},1,1.5\n")
    (folder / "blank.csv").write_text("\n \n")
    rows = take_in(spark, tmp_path, "format: csv", folder)
    assert sorted(map(str, fates(rows))) == ["ana", "ben", "cay"]
    assert sorted(row["record_no"] for row in rows) == [2, 3, 4]
    assert fates(take_in(spark, tmp_path, "format: csv", folder / "clicks[1].csv")) == ["ben"]
    (folder / "plain.csv.gz").write_text(f"{HEADER}\n1,ana,view,{AT},1,1.5\n")
    with pytest.raises(DataError, match=r"plain\.csv\.gz: its first line cannot be read"):
        take_in(spark, tmp_path, "format: csv", folder)


def test_columns_of_parquet_may_differ_in_type_from_file_to_file(spark: SparkSession, tmp_path: Path) -> None:
    schema = "id STRING, user STRING, event STRING, at STRING, no STRING"
    for name, value, kind in (("a", 2, "BIGINT"), ("b", 2.5, "DOUBLE"), ("c", "3.25", "STRING")):
        one = spark.createDataFrame([(name, name, "view", AT, "1", value)], f"{schema}, value {kind}").coalesce(1)
        one.write.parquet(str(tmp_path / "in" / name))
    files = sorted((tmp_path / "in").glob("*/*.parquet"))
    alone = [take_in(spark, tmp_path, "format: parquet", file)[0] for file in files]
    assert [str(row["value"]) for row in alone] == ["2.0000", "2.5000", "3.2500"]
    together = take_in(spark, tmp_path, "format: parquet", *files)
    what = ("user_id", "value", "rejected", "location")
    assert [tuple(row[c] for c in what) for row in together] == [tuple(row[c] for c in what) for row in alone]
