"""Headers of CSV are split as the rows below them, and every column gets a name that can be used."""

from __future__ import annotations

import pytest

from segmentation.sources.csv_dialect import split_line
from segmentation.sources.identifiers import alternatives
from segmentation.sources.partitions import partition_values
from segmentation.sources.readers.headers import doubled_names, usable_names
from segmentation.sources.readers.read_errors import TRUNCATED, reason_of


@pytest.mark.parametrize(
    ("line", "options", "fields"),
    [
        ("a,b", {}, ["a", "b"]),
        (",a,", {}, ["", "a", ""]),
        ('"a,""b""",c', {}, ['a,"b"', "c"]),
        ('a||"b||c"||d|e', {"delimiter": "||"}, ["a", "b||c", "d|e"]),
        (r'"say \"hi\", x",c', {"escape": "\\"}, ['say "hi", x', "c"]),
        ("'a,b',c", {"quote": "'"}, ["a,b", "c"]),
        ('"a,b', {"quote": ""}, ['"a', "b"]),
    ],
)
def test_a_line_is_split(line: str, options: dict[str, str], fields: list[str]) -> None:
    assert split_line(line, **{"delimiter": ",", **options}) == fields


def test_columns_without_a_name_or_with_a_common_one_get_their_place() -> None:
    assert usable_names(["", "user", "User", "user", " "]) == ["_c0", "user", "User_c2", "user_c3", "_c4"]
    assert usable_names(["User", "user"], {"user"}) == ["User_c0", "user"]
    assert doubled_names(["User", "user", "", ""], {"user"}) == []
    assert doubled_names(["User", "user"], {"USER"}) == ["User", "user"]
    assert doubled_names(["user", "user"], {"user"}) == ["user"]


def test_partition_folders_are_columns() -> None:
    path = "file:/in/event_name=purchase/dt=2024-05-01%3A10/city=__HIVE_DEFAULT_PARTITION__/a=b.parquet"
    assert partition_values(path) == {"event_name": "purchase", "dt": "2024-05-01:10", "city": None}


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("coalesce(nullif(a, ''), b)", ["nullif(a, '')", "b"]),
        ("COALESCE(a, concat(b, ',)'), `c,d`)", ["a", "concat(b, ',)')", "`c,d`"]),
        ("coalesce(a, b) || coalesce(c, d)", ["coalesce(a, b) || coalesce(c, d)"]),
        ("upper(a)", ["upper(a)"]),
    ],
)
def test_the_identifiers_of_an_expression_are_told_apart(sql: str, parts: list[str]) -> None:
    assert alternatives(sql) == parts


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("[PARQUET_TYPE_ILLEGAL] Illegal Parquet type: FIXED_LEN_BYTE_ARRAY (FLOAT16). SQLSTATE: 42846", "FLOAT16"),
        ("[UNSUPPORTED_TIME_TYPE] The data type TIME is not supported.", "type TIME"),
        ("[COLUMN_ALREADY_EXISTS] The column `user` already exists.", "'user' but for their case"),
        ("java.io.FileNotFoundException: a.csv (Permission denied)", "permission denied"),
        ("java.io.IOException: No space left on device", "no space is left"),
        ("java.io.EOFException: Unexpected end of input stream", TRUNCATED),
    ],
)
def test_every_read_error_keeps_its_reason(message: str, reason: str) -> None:
    assert reason in reason_of(message)
