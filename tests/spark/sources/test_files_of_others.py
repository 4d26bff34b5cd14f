"""Files as pandas, Spark, Arrow, Hive and spreadsheets write them: every record reads as it was meant."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmentation.errors import ConfigurationError, DataError
from tests.spark.sources.reading import fates, parse_files, write_mapping

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

pytestmark = pytest.mark.spark

FIELDS = """
fields: {event_id: id, user_id: user, event_name: event, event_at: {column: at, zone: Europe/Berlin}}
"""
NOON = 1_714_564_800  # 2024-05-01 12:00 UTC


def read(spark: SparkSession, folder: Path, head: str, *paths: Path) -> list[Row]:
    """Read files with a mapping of the four required fields."""
    mapping = write_mapping(folder, head if "fields:" in head else head + FIELDS)
    return parse_files(spark, mapping, *paths)


def times(rows: list[Row]) -> list[str]:
    return [row["event_at"].isoformat(" ") if row["event_at"] else str(row["reasons"]) for row in rows]


def write(path: Path, *, users: Any = ("ana", "ben"), at: Any = None, **more: Any) -> Path:
    """Write a Parquet file of two events."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"id": [f"{path.stem}1", f"{path.stem}2"], "user": users, "event": ["view", "view"],
               "at": ["2024-05-01T12:00:00Z"] * 2 if at is None else at, **more}  # fmt: skip
    pq.write_table(pa.table({name: values for name, values in columns.items() if values is not False}), path)
    return path


def test_nanoseconds_of_arrow_are_cut_to_microseconds(spark: SparkSession, tmp_path: Path) -> None:
    nanos = [NOON * 10**9 + 123_456_789, NOON * 10**9 + 1]
    aware = write(tmp_path / "aware.parquet", at=pa.array(nanos, pa.timestamp("ns", "UTC")))
    naive = write(tmp_path / "naive.parquet", at=pa.array(nanos, pa.timestamp("ns")))
    micros = write(tmp_path / "plain.parquet", at=pa.array([NOON * 10**6] * 2, pa.timestamp("us", "UTC")))
    assert times(read(spark, tmp_path, "format: parquet", aware)) == [
        "2024-05-01 12:00:00.123456",
        "2024-05-01 12:00:00",
    ]
    both = read(spark, tmp_path, "format: parquet", aware, naive, micros)  # a time of no zone is one of Berlin
    assert times(both)[2:4] == ["2024-05-01 10:00:00.123456", "2024-05-01 10:00:00"]
    assert times(both)[4:] == ["2024-05-01 12:00:00"] * 2


def test_numbers_beside_nanoseconds_stay_numbers(spark: SparkSession, tmp_path: Path) -> None:
    nanos = write(tmp_path / "a.parquet", at=pa.array([NOON * 10**9] * 2, pa.timestamp("ns", "UTC")))
    epochs = write(tmp_path / "b.parquet", at=pa.array([NOON] * 2, pa.int64()))
    fields = FIELDS.replace("zone: Europe/Berlin", "unit: s")
    rows = read(spark, tmp_path, f"format: parquet{fields}", nanos, epochs)
    assert times(rows)[2:] == ["2024-05-01 12:00:00"] * 2
    assert times(read(spark, tmp_path, f"format: parquet{fields}", nanos)) == ["2024-05-01 12:00:00"] * 2


def test_timestamps_of_hive_and_columns_without_a_value_are_read(spark: SparkSession, tmp_path: Path) -> None:
    old = pa.array([dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc), NOON * 10**6], pa.timestamp("us", "UTC"))
    path = tmp_path / "hive.parquet"
    table = pa.table({"id": ["1", "2"], "user": ["ana", "ben"], "event": ["view"] * 2, "at": old,
                      "coupon": pa.nulls(2)})  # fmt: skip
    pq.write_table(table, path, use_deprecated_int96_timestamps=True)
    given = write(tmp_path / "other.parquet", coupon=["SPRING", None])
    rows = read(spark, tmp_path, f"format: parquet{FIELDS}properties: [coupon]", path, given)
    assert times(rows) == ["['unreadable_time']", *["2024-05-01 12:00:00"] * 3]
    assert [row["properties"] for row in rows][1:] == ["{}", '{"coupon":"SPRING"}', "{}"]


def test_ids_that_became_floating_point_are_the_numbers_they_were(spark: SparkSession, tmp_path: Path) -> None:
    gap = write(tmp_path / "a.parquet", users=pa.array([12345678.0, None]))
    nan = write(tmp_path / "b.parquet", users=pa.array([float("nan"), 7.5]))
    whole = write(tmp_path / "c.parquet", users=pa.array([12345678, 9]))
    large = write(tmp_path / "d.parquet", users=pa.array([2.0**53, 2.0**53 - 1]))
    small = write(tmp_path / "e.parquet", users=pa.array([2.0**24, 2.0**24 - 1], pa.float32()))
    expected = ["12345678", ["null_user"], ["null_user"], "7.5", "12345678", "9", ["lossy_id"], "9007199254740991",
                ["lossy_id"], "16777215"]  # fmt: skip
    files = (gap, nan, whole, large, small)
    assert fates(read(spark, tmp_path, "format: parquet", *files)) == expected
    alone = [fate for file in files for fate in fates(read(spark, tmp_path, "format: parquet", file))]
    assert alone == expected


def test_a_missing_number_of_a_data_frame_is_no_number(spark: SparkSession, tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", price=pa.array([float("nan"), 2.5]))
    rows = read(spark, tmp_path, f"format: parquet{FIELDS.replace('}}', '}, value: price}')}", path)
    assert [(row["rejected"], row["value"] and float(row["value"])) for row in rows] == [(False, None), (False, 2.5)]


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_partition_folders_give_columns(spark: SparkSession, tmp_path: Path, kind: str) -> None:
    for event, day in (("purchase", "2024-05-01"), ("view", "2024-05-02")):
        path = tmp_path / "in" / f"event={event}" / f"dt={day}" / f"part-0.{kind}"
        path.parent.mkdir(parents=True)
        if kind == "parquet":
            pq.write_table(pa.table({"id": [event], "user": ["ana"]}), path)
        else:
            path.write_text(f"id,user\n{event},ana\n" if kind == "csv" else f'{{"id": "{event}", "user": "ana"}}\n')
        (path.parent / f".{path.name}.crc").write_bytes(b"old")
    (tmp_path / "in" / "_SUCCESS").write_text("")
    fields = FIELDS.replace("{column: at, zone: Europe/Berlin}", '{column: dt, format: "yyyy-MM-dd"}')
    rows = read(spark, tmp_path, f"format: {kind}{fields}", tmp_path / "in")
    found = [(row["event_name"], row["user_id"], str(row["event_at"])) for row in rows]
    assert found == [("purchase", "ana", "2024-05-01 00:00:00"), ("view", "ana", "2024-05-02 00:00:00")]


def test_a_column_of_the_file_wins_over_its_folder(spark: SparkSession, tmp_path: Path) -> None:
    path = write(tmp_path / "user=eve" / "event=__HIVE_DEFAULT_PARTITION__" / "a.parquet", event=False)
    rows = read(spark, tmp_path, "format: parquet", path)
    assert [row["user_id"] for row in rows] == ["ana", "ben"]
    assert {str(row["reasons"]) for row in rows} == {"['null_event_name']"}


def test_names_of_files_are_names(spark: SparkSession, tmp_path: Path) -> None:
    line = '{{"id": "{0}", "user": "{0}", "event": "view", "at": "2024-05-01T12:00:00Z"}}\n'
    names = ["2024-05-01T03:52:55.jsonl", "in[1]/a:b-1.jsonl", "in[1]/plain.jsonl", "läke #1 100%/ü ñ.jsonl"]
    for number, name in enumerate(names):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(line.format(f"u{number}"))
    assert sorted(fates(read(spark, tmp_path, "format: json", tmp_path / "in"))) == ["u0", "u1", "u2", "u3"]
    for number, name in enumerate(names):
        if "[" in name and ":" in name:  # Hadoop reads no such file by its name: its folder is read above
            continue
        assert fates(read(spark, tmp_path, "format: json", tmp_path / "in" / name)) == [f"u{number}"]
    write(tmp_path / "p[1]" / "10:00.parquet")
    write(tmp_path / "p[1]" / "11:00.parquet")
    assert fates(read(spark, tmp_path, "format: parquet", tmp_path / "p[1]")) == ["ana", "ben"] * 2
    (tmp_path / "in" / "c:d.csv").write_text("id,user,event,at\n1,ana,view,2024-05-01T12:00:00Z\n")
    assert fates(read(spark, tmp_path, "format: csv", tmp_path / "in" / "c:d.csv")) == ["ana"]
    assert fates(read(spark, tmp_path, "format: csv\nmultiline: true", tmp_path / "in" / "c:d.csv")) == ["ana"]


@pytest.mark.parametrize("multiline", [False, True])
def test_dialects_of_csv(spark: SparkSession, tmp_path: Path, *, multiline: bool) -> None:
    at = "2024-05-01T12:00:00Z"
    cases = {
        r"delimiter: '||'": f'id||user||event||at\n1||a|b||view||{at}\n2||"c||d"||view||{at}\n',
        r"delimiter: '\t'": f"id\tuser\tevent\tat\n1\ta|b\tview\t{at}\n2\tc||d\tview\t{at}\n",
        "delimiter: ','": f"id,user,event,at\n1,a|b,view,{at}\n2,c||d,view,{at}\n",
        'quote: "\'"': f"'id','user','event','at'\n1,'a|b',view,{at}\n2,'c||d',view,{at}\n",
        "quote: ''": f"id,user,event,at\n1,a|b,view,{at}\n2,c||d,view,{at}\n",
    }
    for said, text in cases.items():
        if multiline and said == "quote: ''":
            continue
        path = tmp_path / "shop.csv"
        path.write_text(text)
        head = f"format: csv\n{said}\nmultiline: {str(multiline).lower()}"
        assert fates(read(spark, tmp_path, head, path)) == ["a|b", "c||d"], said


@pytest.mark.parametrize("multiline", [False, True])
def test_a_backslash_may_escape_quotes(spark: SparkSession, tmp_path: Path, *, multiline: bool) -> None:
    at = "2024-05-01T12:00:00Z"
    path = tmp_path / "shop.csv"
    path.write_text(f'id,user,event,at\n1,"say \\"hi\\", you",view,{at}\n2,"c:\\\\",view,{at}\n3,eve,view,{at}\n')
    head = f"format: csv\nescape: '\\'\nmultiline: {str(multiline).lower()}"
    assert fates(read(spark, tmp_path, head, path)) == ['say "hi", you', "c:\\", "eve"]


@pytest.mark.parametrize(("name", "codec"), [("latin-1", "latin-1"), ("utf-8-sig", "utf-8-sig"), ("cp1252", "cp1252")])
@pytest.mark.parametrize("multiline", [False, True])
def test_encodings_by_their_python_names(
    spark: SparkSession, tmp_path: Path, name: str, codec: str, *, multiline: bool
) -> None:
    path = tmp_path / "SHOP.CSV.GZ"
    text = "id,user,event,at\n1,Zoë,view,2024-05-01T12:00:00Z\n"
    path.write_bytes(gzip.compress(text.encode(codec)))
    head = f"format: csv\nencoding: {name}\nmultiline: {str(multiline).lower()}"
    assert fates(read(spark, tmp_path, head, tmp_path)) == ["Zoë"]


def test_columns_without_a_name_and_names_that_differ_by_case(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(",id,Name,name,User,user,event,at,,\n7,1,y,z,x,ana,view,2024-05-01T12:00:00Z,,\n")
    rows = read(spark, tmp_path, f"format: csv{FIELDS}properties: [_c0]", path)
    assert (fates(rows), rows[0]["properties"]) == (["ana"], '{"_c0":"7"}')
    with pytest.raises(ConfigurationError, match="two columns named Name, name"):
        read(spark, tmp_path, f"format: csv{FIELDS.replace('user_id: user', 'user_id: {expr: NAME}')}", path)
    twins = tmp_path / "twins.parquet"
    pq.write_table(pa.table({"id": ["1"], "User": ["a"], "user": ["b"], "event": ["v"], "at": ["x"]}), twins)
    with pytest.raises(DataError, match=r"twins\.parquet is not readable Parquet \(two columns are called 'user' but"):
        read(spark, tmp_path, "format: parquet", twins)


def test_a_type_that_spark_does_not_read_is_named(spark: SparkSession, tmp_path: Path) -> None:
    half = write(tmp_path / "half.parquet", price=pa.array(np.array([1.5, 2], dtype=np.float16)))
    with pytest.raises(DataError, match=r"half\.parquet .*FLOAT16"):
        read(spark, tmp_path, "format: parquet", half)


def test_a_damaged_file_is_named_with_its_folder(spark: SparkSession, tmp_path: Path) -> None:
    line = b'{"id": "1", "user": "ana", "event": "view", "at": "2024-05-01T12:00:00Z"}\n' * 500
    for day in ("01", "02"):
        path = tmp_path / "in" / f"dt={day}" / "part-0.json.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(gzip.compress(line)[: None if day == "01" else -30])
    with pytest.raises(DataError, match=r"dt=02/part-0\.json\.gz cannot be read \(truncated or corrupt\)"):
        read(spark, tmp_path, "format: json", tmp_path / "in")


def test_text_in_utf_16_is_refused_with_the_remedy(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_bytes("id,user,event,at\n1,ana,view,2024-05-01\n".encode("utf-16"))
    with pytest.raises(DataError, match=r"shop\.csv is not text in UTF-8, but in UTF-16: convert .*iconv"):
        read(spark, tmp_path, "format: csv", path)


def test_text_in_utf_16_is_read_where_the_mapping_says_so(spark: SparkSession, tmp_path: Path) -> None:
    text = "id,user,event,at\r\n\r\n{0}1,Zo\u00eb \u20ac,view,2024-05-01\r\n{0}2,\u4e2d\U0001f600,view,2024-05-02\r\n"
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_bytes(text.format("a").encode("utf-16"))
    (folder / "b.csv").write_bytes(b"\xfe\xff" + text.format("b").encode("utf-16-be"))
    (folder / "c.csv").write_bytes(text.format("c").encode("utf-16-le"))  # no mark
    (folder / "d.csv.gz").write_bytes(gzip.compress(text.format("d").encode("utf-16")))
    rows = read(spark, tmp_path, "format: csv\nencoding: utf-16", folder)
    assert [row["event_id"] for row in rows] == ["a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2"]
    assert fates(rows) == ["Zo\u00eb \u20ac", "\u4e2d\U0001f600"] * 4
    assert times(rows) == ["2024-04-30 22:00:00", "2024-05-01 22:00:00"] * 4  # midnights of Berlin
    lines = tmp_path / "f.json"
    lines.write_bytes('{"id": 1, "user": "\u00eb", "event": "view", "at": "2024-05-01"}\n\n{"id": 2}'.encode("utf-16"))
    found = read(spark, tmp_path, "format: json\nencoding: UTF-16", lines)
    assert fates(found)[0] == "\u00eb"
    assert (found[1]["location"].endswith("line 3"), len(found)) == (True, 2)
    lines.write_bytes("{}".encode("utf-32"))
    with pytest.raises(DataError, match="UTF-32, which is not read"):
        read(spark, tmp_path, "format: json\nencoding: UTF-16", lines)


def test_a_zone_is_that_of_texts_that_carry_none(spark: SparkSession, tmp_path: Path) -> None:
    said = ["2024-07-01T10:00:00Z", "2024-07-01T12:00:00+02:00", "2024-07-01T12:00:00", "2024-01-01 12:00:00",
            "2024-07-01 10:00:00 UTC", "10:00", "2024-07-01"]  # fmt: skip
    path = tmp_path / "shop.jsonl"
    path.write_text("".join(f'{{"id": "{n}", "user": "u", "event": "e", "at": "{at}"}}\n' for n, at in enumerate(said)))
    summer = "2024-07-01 10:00:00"
    expected = [summer, summer, summer, "2024-01-01 11:00:00", summer, "['unreadable_time']", "2024-06-30 22:00:00"]
    assert times(read(spark, tmp_path, "format: json", path)) == expected
    patterns = """{column: at, zone: Europe/Berlin, format: ["yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mm:ss"]}"""
    head = f"format: json{FIELDS.replace('{column: at, zone: Europe/Berlin}', patterns)}"
    assert times(read(spark, tmp_path, head, path))[:3] == [summer] * 3


def test_json_of_other_programs(spark: SparkSession, tmp_path: Path) -> None:
    rest = '"event": "e", "at": "2024-05-01T12:00:00Z"'
    lines = [
        rf'{{"id": "1", "user": "ana", "more": {{"title": "cut \ud83d", "face": "\ud83d\ude00"}}, {rest}}}',
        rf'{{"id": "2", "user": "x\ude00", {rest}}}',
        f'{{"id": "3", "user": "a", "user": "ben", "more": {{"k": "1", "k": "2"}}, {rest}}}',
        f'{{"id": "4", "user": "cay", "more": [], {rest}}}',
    ]
    path = tmp_path / "shop.jsonl"
    path.write_text("\n".join(lines))
    head = f"format: json{FIELDS}columns: 'more MAP<STRING, STRING>'\nproperty_map: more"
    rows = read(spark, tmp_path, head, path)
    assert fates(rows) == ["ana", ["lossy_id"], "ben", "cay"]
    assert [rows[n]["properties"] for n in (0, 2, 3)] == ['{"face":"😀","title":"cut \ufffd"}', '{"k":"2"}', "{}"]


def test_declared_columns_need_not_name_those_that_are_mapped(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text('{"id": "1", "user": "ana", "event": "e", "at": "2024-05-01T12:00:00Z"}')
    assert fates(read(spark, tmp_path, f"format: json{FIELDS}columns: 'id STRING'", path)) == ["ana"]
    with pytest.raises(ConfigurationError, match="`columns` is no list"):
        read(spark, tmp_path, f"format: json{FIELDS}columns: 'id STRIN'", path)
    with pytest.raises(ConfigurationError, match=r"event_name: .*there is no column `what`.*declared in `columns`"):
        read(
            spark, tmp_path, f"format: json{FIELDS.replace('event_name: event', 'event_name: {expr: what.kind}')}", path
        )


def test_a_column_that_records_do_not_have_is_named(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "shop.txt"
    path.write_text("a line\n")
    with pytest.raises(ConfigurationError, match=r"column `\w+` is not one of its records \(UNRESOLVED.*have: line"):
        read(spark, tmp_path, "format: text", path)


def test_placeholders_are_no_users(spark: SparkSession, tmp_path: Path) -> None:
    users = ["undefined", "NULL", "0", "[object Object]", "00000000-0000-0000-0000-000000000000", "u-7", "Nan"]
    path = tmp_path / "shop.jsonl"
    rest = '"event": "e", "at": "2024-05-01T12:00:00Z"'
    path.write_text("".join(f'{{"id": "{n}", "user": "{u}", "anon": "a{n}", {rest}}}\n' for n, u in enumerate(users)))
    assert fates(read(spark, tmp_path, "format: json", path)) == [["null_user"]] * 5 + ["u-7", ["null_user"]]
    fields = FIELDS.replace("user_id: user", 'user_id: {expr: "coalesce(user, anon)"}')
    rows = read(spark, tmp_path, f"format: json{fields}columns: 'user STRING, anon STRING'", path)
    assert fates(rows) == ["a0", "a1", "a2", "a3", "a4", "u-7", "a6"]


def test_visitors_whom_a_site_calls_undefined_stay_apart(spark: SparkSession, tmp_path: Path) -> None:
    shipped = (Path(__file__).parents[3] / "conf" / "sources" / "posthog.yaml").read_text(encoding="utf-8")
    sent = [("undefined", "anon-1"), ("null", "anon-2"), ("u-7", "anon-7"), ("undefined", None)]
    lines = [
        {"uuid": str(n), "event": "$identify", "distinct_id": user, "timestamp": "2024-05-01T10:00:00Z",
         "properties": {} if device is None else {"$anon_distinct_id": device}}
        for n, (user, device) in enumerate(sent)
    ]  # fmt: skip
    path = tmp_path / "posthog.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    assert fates(read(spark, tmp_path, shipped, path)) == ["anon-1", "anon-2", "u-7", ["null_user"]]
