"""Peers that need no Spark agree on everything that hurts, and DuckDB's increment with its full build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.engines.task import Clock, Task
from benchmarks.formats import folder_of, write_formats
from benchmarks.scales import SCALES, Inputs

if TYPE_CHECKING:
    from pathlib import Path

CAP = 9


def task(mode: str, inputs: list[Path], folder: Path) -> Task:
    for name in ("state", "scratch"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return Task(
        mode=mode,
        inputs=tuple(inputs),
        work=folder,
        state=folder / "state",
        scratch=folder / "scratch",
        memory="1GB",
        threads=2,
        cap=CAP,
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_duckdbs_increments_make_what_its_full_build_makes(write_days, tmp_path: Path, seed: int) -> None:
    pytest.importorskip("duckdb")
    from benchmarks.engines import duckdb_increment, duckdb_peer  # noqa: PLC0415  need duckdb
    from benchmarks.equality import differences, digest_tables  # noqa: PLC0415

    days = write_days(seed, 6)
    duckdb_peer.build(task("full", days, tmp_path / "whole"), Clock())
    duckdb_peer.build(task("full", days[:2], tmp_path / "fold"), Clock())
    duckdb_increment.lay_basis(task("basis", days[:2], tmp_path / "fold"), Clock())
    for day in days[2:]:
        duckdb_increment.take_in(task("increment", [day], tmp_path / "fold"), Clock())
    duckdb_increment.export(task("export", [], tmp_path / "fold"), Clock())
    whole = digest_tables(tmp_path / "whole" / "state")
    assert differences(whole, digest_tables(tmp_path / "fold" / "scratch")) == []
    assert whole["rejections"]["rows"] == 5  # every reason occurs


def test_duckdbs_increment_refuses_what_was_received_earlier(write_days, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    from benchmarks.engines import duckdb_increment, duckdb_peer  # noqa: PLC0415  need duckdb

    early, late = write_days(3, 2)
    duckdb_peer.build(task("full", [late], tmp_path / "store"), Clock())
    duckdb_increment.lay_basis(task("basis", [late], tmp_path / "store"), Clock())
    with pytest.raises(RuntimeError, match="received not after"):
        duckdb_increment.take_in(task("increment", [early], tmp_path / "store"), Clock())


def test_the_history_is_the_same_in_every_format(write_days, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    from benchmarks.contract import PARSED, PARSES  # noqa: PLC0415  need duckdb
    from benchmarks.engines import duckdb_parse  # noqa: PLC0415
    from benchmarks.equality import digest_tables  # noqa: PLC0415

    inputs = Inputs(tmp_path / "data", SCALES["tiny"], 0)
    inputs.history.parent.mkdir(parents=True)
    write_days(5, 1)[0].rename(inputs.history)
    write_formats(inputs)
    found = []
    for mode, format_ in PARSES.items():
        given = task(mode, [folder_of(inputs, format_)], tmp_path / mode)
        duckdb_parse.parse(given, Clock())
        found.append(digest_tables(given.state, PARSED)["parsed"])
    assert found[0] == found[1] == found[2]
    known = "user_id IS NOT NULL AND trim(user_id) <> ''"
    counts = f"count(*) FILTER ({known}), count(*) FILTER (NOT ({known})), sum(value * 10000) FILTER ({known})"
    sent = duckdb.sql(f"SELECT {counts} FROM read_parquet('{inputs.history}/*.parquet')").fetchall()[0]
    assert tuple(found[0][name] for name in ("accepted", "rejected", "value")) == tuple(int(n) for n in sent)


@pytest.mark.parametrize("part_records", [100, 10**9])
def test_polars_makes_what_duckdb_makes(write_days, tmp_path: Path, monkeypatch, part_records: int) -> None:
    pytest.importorskip("duckdb")
    pytest.importorskip("polars")
    from benchmarks.engines import duckdb_peer, polars_peer  # noqa: PLC0415  need duckdb and polars
    from benchmarks.equality import differences, digest_tables  # noqa: PLC0415

    monkeypatch.setattr(polars_peer, "PART_RECORDS", part_records)
    days = write_days(4, 3)
    for engine in (duckdb_peer, polars_peer):
        engine.build(task("full", days, tmp_path / engine.__name__), Clock())
    left, right = (digest_tables(tmp_path / engine.__name__ / "state") for engine in (duckdb_peer, polars_peer))
    assert differences(left, right) == []


def test_polars_says_of_behaviour_what_duckdb_says(write_days, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    pytest.importorskip("polars")
    from benchmarks.contract import BEHAVIOUR  # noqa: PLC0415
    from benchmarks.engines import duckdb_behaviour, duckdb_peer, polars_behaviour, polars_peer  # noqa: PLC0415
    from benchmarks.equality import differences, digest_tables  # noqa: PLC0415

    days = write_days(5, 2)
    digests = []
    for peer, behaviour in ((duckdb_peer, duckdb_behaviour), (polars_peer, polars_behaviour)):
        folder = tmp_path / peer.__name__
        peer.build(task("full", days, folder), Clock())
        behaviour.answer(task("behaviour", [], folder), Clock())
        digests.append(digest_tables(folder / "state" / "behaviour", BEHAVIOUR))
    assert differences(*digests) == []
    assert all(of_table["rows"] > 1 for of_table in digests[0].values())
    assert digests[0]["flows"]["transitions"] > digests[0]["paths"]["sessions"] > 6
