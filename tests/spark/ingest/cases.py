"""Cases that hypothesis draws, packed into one input, and the tables that a lake makes of it."""

from __future__ import annotations

import json
import os
import secrets
from collections import Counter
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from jobs import ingest_events
from segmentation.ingest import batches as sizes
from segmentation.runtime.main import open_context
from segmentation.sessions.item_counts import count_items
from segmentation.tables import DUPLICATES, EVENTS, INGEST_LEDGER, QUARANTINE, SESSIONS, TRANSITIONS, USER_DAYS
from tests.spark.ingest.oracle import DAY, FIRST, LAST, LINES, SECOND, Limits, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pyspark.sql import Column, DataFrame, SparkSession

    from segmentation.lake.lake import Lake

BASE = 1_704_067_200 * SECOND  # 2024-01-01
MAPPING = r"""
format: json
columns: "id STRING, user STRING, name STRING, at BIGINT, received BIGINT, value STRING, platform STRING, hint STRING,
  order STRING, refund STRING"
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: {column: at, unit: us}
  received_at: {column: received, unit: us}
  value: {column: value, min: 0}
  platform: platform
  session_hint: hint
conversions: [purchase]
refunds: [refund]
order: {id: order, refund_id: refund, %s}
rules:
  - {reason: internal, expr: "platform <> 'test'", exclude: true}
supersede:
  key: '/unit_(\d)_'
  version: '_v(\d)\.'
ties: %s
"""


ORDER_RULES = {FIRST: "stands: first", LAST: "stands: last", LINES: "lines: true"}
BATCHES = 4
GAPS = (0, 1, 60 * SECOND, 1800 * SECOND, 1800 * SECOND + 1, 7200 * SECOND, 20 * 3600 * SECOND)
DELAYS = (0, 0, 5 * SECOND, 2 * DAY, 7 * DAY, 7 * DAY + 1)
SHIFTS = (0, 1, 3600 * SECOND, DAY, 29 * DAY)
CHANGES = ({}, {}, {"value": 99}, {"later": 90 * SECOND}, {"other_user": True})


class Delivery(NamedTuple):
    """A record, the batch that brings it, and the batch that brings it once more."""

    record: Record
    batch: int
    again: int | None


@st.composite
def deliveries(draw: st.DrawFn) -> list[Delivery]:
    """Draw a user's deliveries: exact timeouts, ties, midnights, copies, late ones, over the cap, hints, any order."""
    batch, again = st.integers(0, BATCHES - 1), st.one_of(st.none(), st.none(), st.integers(0, BATCHES - 1))
    drawn = []

    def deliver(record: Record) -> None:
        drawn.append(Delivery(record, draw(batch), draw(again)))

    at = BASE + draw(st.integers(0, 3 * DAY))
    for n in range(draw(st.integers(1, 13))):
        at += draw(st.sampled_from(GAPS))
        record = Record(
            event_id=str(n),
            user="u",
            name=draw(st.sampled_from(["view", "cart", "purchase", "purchase", "purchase", "refund"])),
            event_at=at,
            received_at=at + draw(st.sampled_from(DELAYS)),
            value=draw(st.sampled_from([None, 3, 10, 3, 10, -1])),
            platform=draw(st.sampled_from(["web", "ios", "web", "ios", "test"])),
            hint=draw(st.sampled_from([None, None, None, "h1"])),
            order=draw(st.sampled_from([None, "o1", "o1"])),
            refund=draw(st.sampled_from([None, None, "r1"])),
        )
        deliver(record)
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
            deliver(copied(record, draw(st.sampled_from(CHANGES)), draw(st.sampled_from(SHIFTS))))
    return drawn


def copied(record: Record, changes: dict, shift: int) -> Record:
    """Redeliver an event, unchanged or not, sooner or later, within the horizon or beyond."""
    return replace(
        record,
        received_at=record.received_at + shift,
        event_at=record.event_at + changes.get("later", 0),
        value=changes.get("value", record.value),
        user="v" if "other_user" in changes else record.user,
    )


def choose_seed() -> int:
    """Return the seed in CASES_SEED, else a new one, and print it: with it, a run that failed is drawn again."""
    seed_ = int(os.environ.get("CASES_SEED") or secrets.randbelow(2**32))
    print(f"CASES_SEED={seed_}")  # noqa: T201  shown with a failure
    return seed_


def draw_cases(number: int, seed_: int) -> list[list[Delivery]]:
    """Let hypothesis draw users; what costs is the Spark job, so all of them go through one."""
    cases: list[list[Delivery]] = []

    @seed(seed_)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(deliveries())
    def collect(case: list[Delivery]) -> None:
        cases.append([Delivery(own(d.record, len(cases)), d.batch, d.again) for d in case])

    collect()
    return cases


def own(record: Record, case: int) -> Record:
    """Keep the users and events of the cases apart."""
    order = None if record.order is None else f"{case}-{record.order}"
    return replace(record, user=f"{record.user}{case}", event_id=f"{case}-{record.event_id}", order=order)


class Way(NamedTuple):
    """Sizes up to which a lake is small and a batch tiny: all have the same tables, and another way to them."""

    small_lake_mb: int
    tiny_mb: int


SHIPPED = Way(4, 2)
ALWAYS_SHIPPED = repeat(SHIPPED)
WAYS = (SHIPPED, Way(4, -1), Way(0, 2), Way(0, -1))


def ingest(
    spark: SparkSession,
    folder: Path,
    batches: list[list[Record]],
    limits: Limits,
    names: Sequence[str] = (),
    ways: Iterable[Way] = ALWAYS_SHIPPED,
) -> Lake:
    """Ingest each batch, a file of the given name, in a run of its own, as a scheduler would; return the lake."""
    sources = folder / "conf" / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    (sources / "case.yaml").write_text(MAPPING % (ORDER_RULES[limits.rule], limits.ties))
    for file in ("base.yaml", "local.yaml"):
        (folder / "conf" / file).write_text("")
    context = None
    for number, (batch, way) in enumerate(zip(batches, ways, strict=False)):
        path = folder / "input" / f"{names[number] if names else number}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(as_lines(batch))
        context = open_context(
            conf_dir=folder / "conf",
            lake=str(folder / "lake"),
            overrides=[f"ingest.max_events_per_user_day={limits.cap}", f"ingest.small_lake_mb={way.small_lake_mb}"],
            options={"source": "case", "input": [str(path)]},
            spark=spark,
        )
        context.lake.recover()
        with mock.patch.object(sizes, "TINY_MB", way.tiny_mb):
            ingest_events.run(context)
    assert context is not None
    return context.lake


def as_lines(records: Iterable[Record]) -> str:
    return "".join(json.dumps(as_json(record)) + "\n" for record in records)


def as_json(record: Record) -> dict:
    return {
        "id": record.event_id,
        "user": record.user,
        "name": record.name,
        "at": record.event_at,
        "received": record.received_at,
        "value": None if record.value is None else str(record.value),
        "platform": record.platform,
        "hint": record.hint,
        "order": record.order,
        "refund": record.refund,
    }


def read(lake: Lake) -> dict:
    """Read the tables in the oracle's form."""
    micros = F.unix_micros
    ledger = lake.read(INGEST_LEDGER).where(~F.col("stage").isin("read", "parsed"))
    by = F.when(F.col("stage") == "quarantined", F.col("reason")).otherwise(F.concat_ws(": ", "stage", "reason"))
    counts = ledger.groupBy(by.alias("what")).agg(F.sum("records").alias("n")).collect()
    return {
        "events": rows(
            lake.read(EVENTS),
            *("event_id", "user_id", micros("received_at"), micros("event_at"), text("event_date")),
            *("session_id", micros("session_started_at"), text("session_date"), "session_platform", "entry_state"),
            *("previous_state", "gap_s", "ends_session"),
            *("is_conversion", "repeated_order", whole("revenue"), "position"),
        ),
        "quarantine": rows(lake.read(QUARANTINE), "event_id", micros("received_at"), "reason"),
        "duplicates": rows(lake.read(DUPLICATES), "event_id", micros("received_at")),
        "sessions": rows(
            lake.read(SESSIONS),
            *("session_id", "user_id", micros("started_at"), micros("ended_at"), text("session_date"), "events"),
            *("entry_state", "exit_state", "platform"),
            *("duration_ms", "duration_imputed", "capped", "converted", whole("value")),
        ),
        "transitions": rows(
            lake.read(TRANSITIONS),
            *(text("session_date"), "platform", "from_state", "to_state", "transitions", "users"),
        ),
        "user_days": rows(
            lake.read(USER_DAYS),
            *("user_id", text("event_date"), "events", "sessions", "purchases", "purchases_without_value", "refunds"),
            *(
                whole("value"),
                whole("purchase_value"),
                "duration_ms",
                "sessions_without_duration",
                "gap_s_sum",
                "gap_s2_sum",
            ),
        ),
        "item_counts": rows(
            count_items(lake.read(EVENTS), lake.read(SESSIONS), time_zone="UTC"),
            *("user_id", text("event_date"), "dimension", "item", "n"),
        ),
        "ledger": Counter({row["what"]: row["n"] for row in counts if row["n"]}),
    }


def rows(df: DataFrame, *columns: Column | str) -> list[tuple]:
    return [tuple(row) for row in df.select(*columns).collect()]


def text(column: str) -> Column:
    return F.col(column).cast("string")


def whole(money: str) -> Column:
    return F.col(money).cast("int")


def differences(lake: Lake, expected: dict) -> dict[str, list]:
    """Compare with the oracle's tables; rows that differ name the user whose deliveries to look at."""
    found = read(lake)
    wrong = {
        name: (Counter(found[name]) - Counter(rows)) + (Counter(rows) - Counter(found[name]))
        for name, rows in expected.items()
    }
    return {name: list(rows)[:5] for name, rows in wrong.items() if rows}
