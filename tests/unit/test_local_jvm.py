"""Options of the JVM that a job starts on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segmentation.runtime.local_jvm import (
    CLASS_ARCHIVE,
    QUICK_COMPILER,
    SHORT_RUN_MB,
    has_local_default,
    is_short_run,
    options_of_run,
)
from segmentation.runtime.main import _places
from segmentation.runtime.session import JVM_OPTIONS, _own_settings

if TYPE_CHECKING:
    from pathlib import Path

LARGE = SHORT_RUN_MB * 2**20 + 1


@pytest.mark.parametrize(
    ("description", "sizes", "places", "expected"),
    [
        ("no file yet", {}, ["lake"], True),
        ("a small file", {"in/a.csv": 10}, ["in/a.csv", "lake"], True),
        ("a large file", {"in/a.csv": LARGE}, ["in/a.csv"], False),
        (
            "a folder of files, large together",
            {"in/a.csv": LARGE // 2 + 1, "in/b/c": LARGE // 2},
            ["in"],
            False,
        ),
        ("a pattern that leaves the large file out", {"in/a.csv": 10, "in/b.json": LARGE}, ["in/*.csv"], True),
        ("a pattern of a large file", {"in/a.csv": LARGE}, ["in/*.csv"], False),
        ("a large lake", {"in/a.csv": 10, "lake/events/0.parquet": LARGE}, ["in/a.csv", "lake"], False),
        ("a store of unknown size", {}, ["s3://bucket/in"], False),
        ("a store of unknown size, without an authority", {}, ["dbfs:/in"], False),
    ],
)
def test_is_short_run(
    tmp_path: Path, description: str, sizes: dict[str, int], places: list[str], *, expected: bool
) -> None:
    for name, size in sizes.items():
        (file := tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as opened:
            opened.truncate(size)
    given = [place if ":/" in place else str(tmp_path / place) for place in places]
    assert is_short_run(given) is expected, description


def test_has_local_default__another_file_system_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    assert has_local_default({})
    assert has_local_default({"spark.hadoop.fs.defaultFS": "file:///"})
    assert not has_local_default({"spark.hadoop.fs.defaultFS": "hdfs://namenode:8020"})
    monkeypatch.setenv("HADOOP_CONF_DIR", "/etc/hadoop")
    assert not has_local_default({})


def test_places__a_topic_is_of_unknown_size() -> None:
    assert _places("lake", {"source": "orders", "input": None}) is None
    assert _places("lake", {"source": "orders", "input": ["a.csv"]}) == ["lake", "a.csv"]
    assert _places("lake", {}) == ["lake"]


def test_options_of_run__an_archive_beside_the_jars_is_used(tmp_path: Path) -> None:
    jar = str(tmp_path / "delta-spark.jar")
    assert options_of_run([jar], is_short=False) == ""
    assert options_of_run([jar], is_short=True) == QUICK_COMPILER
    (tmp_path / CLASS_ARCHIVE).touch()
    assert f"-XX:SharedArchiveFile={tmp_path / CLASS_ARCHIVE}" in options_of_run([jar], is_short=False)
    assert options_of_run([], is_short=False) == ""


def test_own_settings__options_of_the_configuration_are_kept() -> None:
    settings = {"spark.master": "local[2]", JVM_OPTIONS: "-XX:+UseParallelGC"}
    short = _own_settings(settings, None, is_short=True)[JVM_OPTIONS]
    assert short.startswith("-XX:+UseParallelGC ")
    assert QUICK_COMPILER in short
    assert _own_settings({**settings, "spark.master": "yarn"}, None, is_short=True)[JVM_OPTIONS] == "-XX:+UseParallelGC"
