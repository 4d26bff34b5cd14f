"""The benchmark's parts that need no Spark: what is compared, when figures count, what runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import contract
from benchmarks.contract import TABLES
from benchmarks.ratios import medians
from benchmarks.results import Case, Measurement, Store
from benchmarks.scales import SCALES, Inputs
from segmentation.ingest.params import IngestParams
from segmentation.parameters import WorkspaceParams
from segmentation.sessions.params import SessionParams
from segmentation.tables import STEP_SEPARATOR
from segmentation.tables.items import ITEM_COLUMNS
from segmentation.tables.reference import all_tables

if TYPE_CHECKING:
    from pathlib import Path

PLACE_IN_SESSION = {"session_date", "session_platform", "entry_state", "previous_state", "gap_s", "ends_session"}
"""Columns of `events` that are compared in sums: of sessions, transitions, gaps of users' days and item counts."""
CASE = Case("suite", "full", "1M", 0, 2, "12GB", 50_000)


def measurement(case: Case = CASE, work_s: float = 1.0, *, equal: bool | None = True) -> Measurement:
    return Measurement(case, work_s, 1.0, {}, 1.0, 1, 1, 1, 1, {}, equal, "abc", "2024-01-01", "python -m benchmarks")


def test_peers_follow_the_parameters_that_are_shipped() -> None:
    ingest, sessions, workspace = IngestParams(), SessionParams(), WorkspaceParams()
    assert ingest.dedup_window_days == contract.DEDUP_WINDOW_DAYS
    assert ingest.allowed_lateness_days == contract.ALLOWED_LATENESS_DAYS
    assert ingest.max_events_per_user_day == contract.MAX_EVENTS_PER_USER_DAY
    assert (sessions.timeout_s, sessions.cap_days) == (contract.TIMEOUT_S, contract.SESSION_CAP_DAYS)
    assert (sessions.heartbeat_events, sessions.heartbeat_s) == ((contract.HEARTBEAT,), contract.HEARTBEAT_S)
    assert (workspace.currency, workspace.conversion_events) == (contract.CURRENCY, (contract.CONVERSION,))
    assert contract.STEP_SEPARATOR == STEP_SEPARATOR


def test_every_column_is_compared_but_those_that_hang_on_batches_or_are_constant_here() -> None:
    contracts = {table.name: table for table in all_tables()}
    left_out = {"source", "sequence_no", "session_hint", "duration_ms", "unit_id", "record_no", "identity_hash"}
    left_out |= {"anonymous_id", "known_id", "position", "is_conversion", "revenue", "order_id", "repeated_order"}
    left_out |= {"activity", "transaction_kind", "refund_id", "revenue_currency"} | PLACE_IN_SESSION
    of_unknown = {"purchases_without_value", "refunds"}  # peers know neither
    for name, columns in TABLES.items():
        if name == "rejections":
            continue
        known = ITEM_COLUMNS if name == "user_day_counts" else contracts[name].names
        expected = set(known) - {"events": left_out, "user_days": of_unknown}.get(name, set())
        assert set(columns) == expected, name


def test_the_small_and_the_large_history_get_the_same_extra_day(tmp_path: Path) -> None:
    small, large = SCALES["10M"], SCALES["100M"]
    assert small.users == large.users
    assert (
        Inputs(tmp_path, large, small.day_events).next_day.name
        == Inputs(tmp_path, small, small.day_events).next_day.name
    )


def test_a_case_is_measured_again_only_when_forgotten(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "results"), Case(**{**vars(CASE), "engine": "duckdb"})
    for one in (measurement(), measurement(work_s=2.0), measurement(other)):
        store.add(one)
    assert [one.work_s for one in Store(tmp_path / "results").of(CASE)] == [1.0, 2.0]
    store.forget(CASE)
    assert store.read() == [measurement(other)]


def test_a_run_with_other_tables_does_not_count() -> None:
    runs = [measurement(work_s=1.0, equal=False), measurement(work_s=5.0), measurement(work_s=7.0, equal=None)]
    assert medians(runs) == {CASE: 6.0}


def test_digests_see_values_not_order_or_types(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    from benchmarks.equality import differences, digest_tables  # noqa: PLC0415  needs duckdb

    kinds = {"text": "'a' || i", "instant": "make_timestamp(i)", "day": "DATE '2024-01-01' + i::INTEGER", "count": "i"}
    kinds |= {"money": "i::DECIMAL(18, 4)", "flag": "i % 2 = 0"}
    changed = {
        "plain": {},
        "other order and types": {"order": "DESC", "money": "i::DECIMAL(28, 4)", "count": "i::INTEGER"},
    }
    changed |= {"other value": {"count": "i + (i = 3)::INT"}, "null for empty": {"text": "nullif('a' || i, 'a3')"}}
    digests = {}
    for variant, change in changed.items():
        for table, columns in TABLES.items():
            folder = tmp_path / variant / table
            folder.mkdir(parents=True)
            selected = ", ".join(f'{ {**kinds, **change}[kind] } AS "{name}"' for name, kind in columns.items())
            order = change.get("order", "ASC")
            duckdb.sql(f"COPY (SELECT {selected} FROM range(9) t(i) ORDER BY i {order}) TO '{folder}/0.parquet'")
        digests[variant] = digest_tables(tmp_path / variant)
    assert differences(digests["plain"], digests["other order and types"]) == []
    assert "user_days.events: 36 != 37" in differences(digests["plain"], digests["other value"])
    hashes = [d.split(":")[0] for d in differences(digests["plain"], digests["null for empty"])]
    assert hashes == [f"{table}.hash" for table in TABLES]
