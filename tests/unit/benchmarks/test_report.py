"""The report says what the measurements say, and nothing of the machine's folders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks import __main__ as command_line
from benchmarks.contract import TABLES
from benchmarks.figures import figures, setting_of, targets
from benchmarks.report import command_of, write_report
from benchmarks.results import Case, Measurement
from benchmarks.run import FULL, INCREMENT, SUITE, Plan, engine_command

if TYPE_CHECKING:
    from pathlib import Path

OURS = Case(SUITE, FULL, "20M", 0, 2, "12GB", 50_000)
DUCKDB = replace(OURS, engine="duckdb")
LATE_DAY = Case(SUITE, "backfill", "100M", 111_111, 2, "4GB", 3_000)
DIGEST = {table: {"rows": 1} for table in TABLES}


def measured(case: Case, work_s: float, *, equal: bool | None = True, rows: int = 1) -> Measurement:
    return Measurement(
        case=case,
        work_s=work_s,
        work_cpu_s=2 * work_s,
        phases_s={"prepare": 20.0},
        wall_s=work_s + 30,
        peak_rss_bytes=3 * 2**30,
        written_bytes=1,
        stored_bytes=5_000_000,
        events=20_800_000,
        digest=DIGEST | {"events": {"rows": rows}},
        equal=equal,
        commit="abc1234",
        started_at="2024-01-01T00:00:00+00:00",
        command="",
        work_written_bytes=7_000_000,
    )


RUNS = [measured(OURS, s) for s in (70.0, 60.0, 80.0)] + [measured(DUCKDB, 35.0, equal=None)]


def test_the_page_has_median_spread_ratio_and_command(tmp_path: Path) -> None:
    page = write_report([*RUNS, measured(LATE_DAY, 9.0)], tmp_path).read_text()
    assert (
        "| this suite | **70.0** | 60.0 - 80.0 | 3 |  | 148,571 | 140.0 | 20.0 | 3.0 | 7 | 5 | yes |"
        in page.splitlines()
    )
    assert "| DuckDB | **35.0** | 35.0 - 35.0 | 1 | 2.00 |" in page
    assert "| full build of 20M: ours / DuckDB's | <= 2.5 | <= 1.5 | 2 | must |" in page
    assert "python -m benchmarks run --events 20M --modes full --engines suite,duckdb --repeat 3" in page
    assert {path.name for path in tmp_path.glob("*.png")} == {"full.png", "days.png", "memory.png"}
    assert all(f"({path.name})" in page for path in tmp_path.glob("*.png"))


def test_other_tables_are_said_and_make_no_ratio(tmp_path: Path) -> None:
    wrong = [measured(OURS, 30.0, rows=2), measured(DUCKDB, 35.0, equal=None)]
    assert [figure.equal for figure in figures(wrong).values()] == [False, False]
    assert targets(wrong)[0].measured is None
    flagged = [*RUNS, replace(measured(OURS, 1.0, equal=False), differences=["events.rows: 2 != 1"])]
    assert figures(flagged)[OURS].seconds == 70.0
    assert "events.rows: 2 != 1" in write_report(flagged, tmp_path).read_text()


@pytest.mark.parametrize("case", [OURS, LATE_DAY])
def test_the_printed_command_measures_the_case_again(case: Case) -> None:
    words = command_of(setting_of(case), [case.engine], 3).split()
    assert words[:3] == ["python", "-m", "benchmarks"]
    options = command_line._parser().parse_args(words[3:])
    assert command_line._plan(options).case(case.engine, options.modes[-1]) == case
    assert (options.repeat, options.modes[0]) == (3, FULL)


def test_parsing_is_three_modes_under_one_word_and_stands_on_no_build() -> None:
    options = command_line._parser().parse_args(["run", "--modes", "parse"])
    assert options.modes == ["parse_json", "parse_csv", "parse_parquet"]
    words = command_of(setting_of(replace(OURS, mode="parse_csv")), [SUITE], 1).split()
    assert words[words.index("--modes") + 1] == "parse_csv"


def test_stored_commands_do_not_name_this_machines_folders() -> None:
    words = ["--work", "/a/b", "--results=/c", "run", "--events", "1M"]
    assert command_line._without_places(words) == ["run", "--events", "1M"]


def test_duckdbs_basis_is_made_from_the_history_and_its_days_by_the_increment(tmp_path: Path) -> None:
    options = command_line._parser().parse_args(["--work", str(tmp_path), "run", "--events", "1M"])
    plan: Plan = command_line._plan(options)
    for mode, module, given in (
        (FULL, "duckdb_peer", plan.inputs.history),
        ("basis", "duckdb_increment", plan.inputs.history),
        (INCREMENT, "duckdb_increment", plan.inputs.next_day),
        ("export", "duckdb_increment", None),
    ):
        words = engine_command(plan, "duckdb", mode, tmp_path, tmp_path)
        assert words[2] == f"benchmarks.engines.{module}"
        assert (str(given) in words) == (given is not None)
