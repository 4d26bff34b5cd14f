"""The ledger rows of a batch, and the corrections of those of earlier batches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, no_rows
from segmentation.ingest.earlier_records import COMPARED
from segmentation.ingest.ledger import count_batch, count_moves, sum_signed
from segmentation.ingest.payload import payload_json
from segmentation.ingest.user_day_cap import RANKED, REMOVED, Admitted
from segmentation.tables import EVENT, PARSED_RECORDS
from tests.spark.ingest.steps import AT, OLD, Row, batch_of, earlier_event, frame, nothing_judged, parsed_record
from tests.spark.stored import stored_events

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

TODAY, BEFORE = AT.date(), (AT - timedelta(days=1)).date()
READ_AND_PARSED = {("read", None): 1, ("parsed", None): 1}
OF_BATCH: dict[str, tuple[str, dict[tuple[str, str | None], int]]] = {
    # event name: outcome of its record, records by stage and reason
    "view": ("accepted", {**READ_AND_PARSED, ("accepted", None): 1}),
    "copied": ("duplicates", {**READ_AND_PARSED, ("duplicate", None): 1}),
    "other": ("conflicts", {**READ_AND_PARSED, ("quarantined", "conflict"): 1}),
    "old": ("late", {**READ_AND_PARSED, ("quarantined", "too_late"): 1}),
    "bot": ("over_cap", {**READ_AND_PARSED, ("quarantined", "over_cap"): 1}),
    "nameless": ("rejected", {**READ_AND_PARSED, ("quarantined", "null_user"): 1}),
    "meant": ("excluded", {**READ_AND_PARSED, ("excluded", "test_order"): 1}),
    "broken": ("unparsable", {("read", None): 1, ("unparsable", "malformed"): 1}),
}
MOVES: dict[str, tuple[str, str, dict[tuple[str, str | None], int]]] = {
    # event name: how its earlier record was stored, what it is now, signed records by stage and reason
    "copied": ("accepted", "duplicate", {("accepted", None): -1, ("duplicate", None): 1}),
    "other": ("accepted", "conflict", {("accepted", None): -1, ("quarantined", "conflict"): 1}),
    "alike": ("conflict", "duplicate", {("quarantined", "conflict"): -1, ("duplicate", None): 1}),
    "same": ("conflict", "conflict", {}),
    "late copy": ("too_late", "duplicate", {("quarantined", "too_late"): -1, ("duplicate", None): 1}),
    "back": ("conflict", "reinstated", {("quarantined", "conflict"): -1, ("accepted", None): 1}),
    "back, too late": ("duplicate", "late", {("duplicate", None): -1, ("quarantined", "too_late"): 1}),
    "back, over cap": ("conflict", "beyond", {("quarantined", "conflict"): -1, ("quarantined", "over_cap"): 1}),
    "below the cap": ("over_cap", "restored", {("quarantined", "over_cap"): -1, ("accepted", None): 1}),
    "beyond the cap": ("accepted", "stored", {("accepted", None): -1, ("quarantined", "over_cap"): 1}),
}


def test_count_batch__every_outcome(spark: SparkSession) -> None:
    records = batch_of(spark, [record(n, name) for n, name in enumerate(OF_BATCH)]).records

    def of(*outcomes: str) -> Counted:
        names = [name for name, (outcome, _) in OF_BATCH.items() if outcome in outcomes]
        return Counted(records.where(F.col("event_name").isin(*names)), len(names))

    outcome = replace(
        nothing_judged(spark),
        rejected=of("rejected", "unparsable"),
        excluded=of("excluded"),
        late=of("late"),
        duplicates=of("duplicates"),
        conflicts=of("conflicts"),
    )
    over = of("over_cap")
    ranked = Counted(over.rows.select(*EVENT, F.lit("batch").alias("origin")), over.count)
    accepted = of("accepted").rows.unionByName(of("accepted").rows)
    found = sum_of(count_batch(accepted, outcome, admitted_of(spark, over_cap=ranked)))
    twice = dict.fromkeys(OF_BATCH["view"][1], 2)
    assert found == {name: expected for name, (_, expected) in OF_BATCH.items()} | {"view": twice}


def test_count_moves__every_change_of_an_earlier_record(spark: SparkSession) -> None:
    names = list(MOVES)
    events = stored_events(spark, [earlier_event(n, event_name=name, event_at=AT) for n, name in enumerate(names)])
    stored = {name: was for name, (was, *_) in MOVES.items()}
    judged = {name: now if now in {"duplicate", "conflict"} else "survivor" for name, (_, now, _) in MOVES.items()}
    marked = events.select("*", of_name(stored).alias("stored_as"), of_name(judged).alias("outcome"))
    missing = [
        F.lit(None).cast("string").alias(name)
        for name in (*COMPARED, "survivor_hash")
        if name not in (*marked.columns, "payload")
    ]
    compared = marked.select("*", payload_json().alias("payload"), *missing).select(
        *COMPARED, "outcome", "survivor_hash"
    )

    def of(rows: DataFrame, *kinds: str) -> Counted:
        own = [name for name, (_, now, _) in MOVES.items() if now in kinds]
        return Counted(rows.where(named(rows).isin(*own)), len(own))

    def named(rows: DataFrame) -> Any:
        return F.col("event_name") if "event_name" in rows.columns else F.get_json_object("payload", "$.event_name")

    back = marked.select(*EVENT, "stored_as", (F.col("event_name") == "back, too late").alias("late"))
    outcome = replace(
        nothing_judged(spark),
        changed=of(compared, "duplicate", "conflict", "reinstated", "late", "beyond"),
        reinstated=of(back, "reinstated", "late", "beyond"),
    )
    origins = {"back, over cap": "reinstated", "beyond the cap": "stored", "below the cap": "quarantined"}
    ranked = events.select(*EVENT, of_name(origins).alias("origin")).select(*RANKED)
    admitted = admitted_of(
        spark,
        from_earlier=of(events.select(*EVENT), "reinstated", "restored"),
        over_cap=of(ranked, "beyond", "stored"),
        restored=of(ranked, "restored"),
    )
    found = sum_of(sum_signed(count_moves(outcome, admitted, "UTC")), unit=OLD)
    assert found == {name: expected for name, (*_, expected) in MOVES.items() if expected}


def test_sum_ledger__rows_that_cancel_out_are_left_out(spark: SparkSession) -> None:
    columns = (
        "unit_id string, source string, event_date date, event_name string, stage string, reason string, records bigint"
    )
    key, nulls = ("u", "s", TODAY, "view", "accepted", None), ("u", "s", None, None, "read", None)
    parts = [(*key, 2), (*key, -1), (*nulls, 1), (*nulls, 1), ("u", "s", BEFORE, "view", "accepted", None, 1)]
    gone = [("u", "s", TODAY, "cart", "duplicate", None, sign) for sign in (1, -1)]
    found = sum_signed([spark.createDataFrame([row], columns) for row in (*parts, *gone)]).collect()
    assert {tuple(row) for row in found} == {(*key, 1), (*nulls, 2), ("u", "s", BEFORE, "view", "accepted", None, 1)}
    assert len(found) == 3


def record(number: int, name: str) -> Row:
    of_outcome = {"rejected": ["null_user", "null_time"], "unparsable": ["malformed"], "excluded": ["test_order"]}
    reasons = of_outcome.get(OF_BATCH[name][0], [])
    return parsed_record(
        number, event_name=name, rejected=bool(reasons), reasons=reasons, unparsable=OF_BATCH[name][0] == "unparsable"
    )


def admitted_of(spark: SparkSession, **given: Counted) -> Admitted:
    events = frame(spark, PARSED_RECORDS, ()).select(*EVENT)
    ranked = no_rows(events.select("*", F.lit("batch").alias("origin")))
    nothing = {
        "from_earlier": no_rows(events),
        "removed": no_rows(events.select(*(n for n in REMOVED))),
        "over_cap": ranked,
        "restored": ranked,
    }
    return Admitted(from_batch=events, hinted=False, **{**nothing, **given})


def of_name(values: dict[str, str]) -> Any:
    pairs = F.create_map(*(F.lit(part) for pair in values.items() for part in pair))
    return pairs[F.col("event_name")]


def sum_of(ledger: DataFrame, unit: str = "new") -> dict[str, dict]:
    """Return event name -> stage and reason -> records, of rows with all other parts of the key as expected."""
    found: dict[str, dict] = {}
    for row in ledger.collect():
        assert (row["unit_id"], row["source"], row["event_date"]) == (unit, "s", TODAY)
        found.setdefault(row["event_name"], {})[row["stage"], row["reason"]] = row["records"]
    return found
