"""Slips in a mapping are refused by key and value, with the nearest right one, before a file is read."""

from __future__ import annotations

from typing import Any

import pytest

from segmentation.config import load_config
from segmentation.errors import ConfigurationError
from segmentation.parameters import validated
from segmentation.sources.encodings import java_encoding, marked_encoding
from segmentation.sources.mapping import SourceMapping
from segmentation.sources.time_patterns import check_pattern
from segmentation.time_zones import check_zone

FIELDS: dict[str, Any] = {"event_id": "id", "user_id": "user", "event_name": "name", "event_at": "at"}


def mapping(**said: Any) -> SourceMapping:
    return validated(SourceMapping, {"name": "shop", "format": "csv", "fields": FIELDS, **said}, "shop.yaml")


def with_time(**said: Any) -> SourceMapping:
    return mapping(fields={**FIELDS, "event_at": {"column": "at", **said}})


@pytest.mark.parametrize(
    ("said", "key", "meant"),
    [
        ("YYYY-MM-DD HH:mm:ss", "fields.event_at.format: 'YYYY-MM-DD HH:mm:ss'", "'yyyy-MM-dd HH:mm:ss'"),
        ("yyyy-mm-dd", "'m' is the minute", "'yyyy-MM-dd'"),
        ("dd.MM.yyyy hh:mm", "'h' and 'K' are hours of twelve", "'dd.MM.yyyy HH:mm'"),
        ("%Y-%m-%dT%H:%M:%S", "Python's", "'yyyy-MM-dd'T'HH:mm:ss'"),
        ("yyyy-MM-dd'T'HH:mm:ss'", "a quote is not closed", ""),
        ("yyyyyyyy", "'yyyyyyyy' has no meaning", ""),
    ],
)
def test_a_pattern_that_spark_does_not_read_is_refused(said: str, key: str, meant: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        with_time(format=said)
    assert key in str(refused.value)
    assert meant in str(refused.value)


@pytest.mark.parametrize(
    "pattern",
    ["yyyy-MM-dd HH:mm:ss", "dd/MMM/yyyy:HH:mm:ss Z", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "MM/dd/yyyy hh:mm a", "yyyyMMdd",
     "M/d/yyyy H:mm", "yyyy-MM-dd[ HH:mm]"],
)  # fmt: skip
def test_patterns_of_spark_pass(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


def test_an_unknown_zone_names_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"fields\.event_at\.zone: unknown .*'Europe/Berln' .*'Europe/Berlin'"):
        with_time(zone="Europe/Berln")
    assert [check_zone(name) for name in ("UTC", "+02:00", "CET", "America/New_York")][-1] == "America/New_York"
    for name in ("Mars", "+25:00", "america/new york"):
        with pytest.raises(ValueError, match="unknown time zone"):
            check_zone(name)


@pytest.mark.parametrize(
    ("python", "java"),
    [("latin-1", "ISO-8859-1"), ("utf-8-sig", "UTF-8"), ("cp1252", "windows-1252"), ("latin9", "ISO-8859-15"),
     ("mac_roman", "x-MacRoman"), ("shift_jis", "Shift_JIS"), ("cp850", "IBM850"), ("utf-16", "UTF-16"),
     ("UTF_16LE", "UTF-16LE"), ("utf-16-be", "UTF-16BE"), ("windows-1252", "windows-1252")],
)  # fmt: skip
def test_encodings_have_the_names_of_python_and_java(python: str, java: str) -> None:
    assert java_encoding(python) == java
    assert mapping(encoding=python).java_encoding == java


def test_an_encoding_that_is_not_read_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match=r"encoding: lines cannot be told in UTF-32: convert .*iconv"):
        mapping(encoding="UTF-32")
    with pytest.raises(ConfigurationError, match=r"multiline is not read in utf-16: convert .*iconv -f utf-16"):
        mapping(encoding="utf-16", multiline=True)
    with pytest.raises(ConfigurationError, match=r"unknown encoding 'latni-1'.*'latin-1'"):
        mapping(encoding="latni-1")
    assert marked_encoding("\ufeffa;b".encode("utf-16-le")) == "UTF-16"
    assert marked_encoding("a;b\n".encode("utf-16-be")) == "UTF-16"
    assert marked_encoding(b"a;b\n") is None


@pytest.mark.parametrize(
    ("written", "sign"), [("\t", "\t"), (r"\t", "\t"), ("||", "||"), (r"\u0001", "\x01"), ("\\\\", "\\")]
)
def test_delimiters_may_be_written_out(written: str, sign: str) -> None:
    assert mapping(delimiter=written).delimiter == sign


@pytest.mark.parametrize("written", ["", '"', "\n"])
def test_a_delimiter_that_cannot_separate_is_refused(written: str) -> None:
    with pytest.raises(ConfigurationError, match="delimiter: "):
        mapping(delimiter=written)


def test_a_bad_override_is_named_not_the_files(tmp_path) -> None:
    for name in ("base", "local"):
        (tmp_path / f"{name}.yaml").write_text("")
    with pytest.raises(ConfigurationError, match=r"^--set workspace\.time_zone=Europe/Berln: workspace\.time_z"):
        load_config(tmp_path, "local", ["workspace.time_zone=Europe/Berln"])
    with pytest.raises(ConfigurationError, match=r"--set sessions\.timeout_s=\[: the value is not valid YAML"):
        load_config(tmp_path, "local", ["sessions.timeout_s=["])
    (tmp_path / "base.yaml").write_text("sessions: {timeout_s: 0}")
    with pytest.raises(ConfigurationError, match=r"base\.yaml \+ local\.yaml: sessions\.timeout_s"):
        load_config(tmp_path, "local", ["sessions.cap_days=0"])
