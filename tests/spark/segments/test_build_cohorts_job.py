"""The job: changes between cuts in whatever order the cuts are computed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from jobs.build_cohorts import run
from segmentation.errors import ConfigurationError
from segmentation.runtime.main import open_context
from segmentation.segments.rules import Rule, note_idle_percentiles
from segmentation.tables import (
    COHORTS,
    EVENTS,
    SEGMENT_CHANGES,
    SESSIONS,
    USER_DAYS,
    user_features_table,
)
from segmentation.tables.table import COUNT, Column
from tests.spark.stored import stored_event, stored_events

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from segmentation.runtime.context import Context

pytestmark = pytest.mark.spark

FIRST, SECOND, THIRD = (date(2024, 4, 1) + timedelta(days=7 * i) for i in range(3))
FEATURES = user_features_table([Column("sessions_count_7d", COUNT, "sessions")])
SESSIONS_AT = {
    FIRST: {"always": 11, "leaves": 11, "returns": 11},
    SECOND: {"always": 11, "leaves": 11, "returns": 0},
    THIRD: {"always": 11, "leaves": 0, "returns": 11},
}


def write_rule(conf: Path, value: int) -> None:
    (conf / "segments").mkdir(exist_ok=True)
    text = f'name: busy\ndescription: text\nwhen: {{feature: sessions_count_7d, op: ">", value: {value}}}\n'
    (conf / "segments" / "busy.yaml").write_text(text, encoding="utf-8")


def test_a_percentile_that_all_users_pass_is_noted(spark: SparkSession) -> None:
    rows = [(f"u{n}", FIRST, "v", 1 if n < 9 else 5) for n in range(10)]
    users = spark.createDataFrame(rows, FEATURES.schema)

    def rule(name: str, op: str) -> Rule:
        when = {"feature": "sessions_count_7d", "op": op, "percentile": 50}
        return Rule.model_validate({"name": name, "description": "text", "when": when})

    [note] = note_idle_percentiles(users, rules=[rule("median", ">="), rule("above", ">")], as_of=FIRST)
    for words in ("rule 'median'", "all 10 users", "sessions_count_7d >= percentile 50", "is 1;"):
        assert words in note
    assert note_idle_percentiles(users.limit(0), rules=[rule("median", ">=")], as_of=FIRST) == []


def changes(ctx: Context) -> set[tuple[Any, ...]]:
    rows = ctx.lake.read(SEGMENT_CHANGES).where("segmentation = 'rule:busy'").collect()
    found = {(row["changed_at"], row["user_id"], row["direction"], row["cause"]) for row in rows}
    assert len(found) == len(rows)
    return found


def test_changes_are_those_between_neighbours(spark: SparkSession, tmp_path: Path) -> None:
    ctx = open_context(conf_dir=Path(__file__).parents[3] / "conf", lake=str(tmp_path / "lake"), spark=spark)
    write_rule(tmp_path, 10)
    ctx = replace(ctx, options={"conf_dir": tmp_path})
    rows = [(user, cut, "v", n) for cut, users in SESSIONS_AT.items() for user, n in users.items()]
    ctx.lake.replace(FEATURES, spark.createDataFrame(rows, FEATURES.schema))
    model = spark.createDataFrame(
        [("model", "always", "s1", FIRST, "entered", "behaviour", "{}")], SEGMENT_CHANGES.schema
    )
    ctx.lake.append(SEGMENT_CHANGES, model)
    ctx.lake.publish({})

    report = run(replace(ctx, given_as_of=FIRST))
    assert report.quality == {"members": {"busy": 3}, "changes": {"entered": 3}}
    first = {(FIRST, user, "entered", "behaviour") for user in SESSIONS_AT[FIRST]}
    run(replace(ctx, given_as_of=THIRD))
    assert changes(ctx) == first | {(THIRD, "leaves", "exited", "behaviour")}

    # The cut in between arrives last, twice: its own changes and its successor's are rewritten.
    expected = first | {
        (SECOND, "returns", "exited", "behaviour"),
        (THIRD, "returns", "entered", "behaviour"),
        (THIRD, "leaves", "exited", "behaviour"),
    }
    for _ in range(2):
        run(replace(ctx, given_as_of=SECOND))
        assert changes(ctx) == expected

    # Another definition that leaves nobody: everyone left because of it.
    write_rule(tmp_path, 99)
    report = run(replace(ctx, given_as_of=THIRD))
    assert report.quality == {"members": {"busy": 0}, "changes": {"exited": 2}}
    left = {(THIRD, user, "exited", "definition") for user in ("always", "leaves")}
    assert changes(ctx) == {row for row in expected if row[0] != THIRD} | left
    assert ctx.lake.read(SEGMENT_CHANGES).where("segmentation = 'model'").count() == 1

    with pytest.raises(ConfigurationError, match=r"build_features\.py --as-of 2024-05-01"):
        run(replace(ctx, given_as_of=date(2024, 5, 1)))


@pytest.mark.faults  # many small tables: most of a minute
def test_what_users_did_is_that_of_the_cut(spark: SparkSession, tmp_path: Path) -> None:
    ctx = open_context(conf_dir=Path(__file__).parents[3] / "conf", lake=str(tmp_path / "lake"), spark=spark)
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "bought.yaml").write_text("name: bought\ndescription: text\nwhen: {did: buy}\n")
    ctx = replace(ctx, options={"conf_dir": tmp_path})
    rows = [(user, cut, "v", 0) for cut in (SECOND, THIRD) for user in SESSIONS_AT[FIRST]]
    ctx.lake.replace(FEATURES, spark.createDataFrame(rows, FEATURES.schema))
    happened = datetime(2024, 4, 2, 12, tzinfo=timezone.utc)
    received = {"always": happened} | {
        user: datetime(2024, 4, day, tzinfo=timezone.utc) for user, day in (("leaves", 10), ("returns", 12))
    }
    bought = [
        stored_event(user_id=user, event_name="buy", event_at=happened, received_at=at) for user, at in received.items()
    ]
    ctx.lake.replace(EVENTS, stored_events(spark, bought))
    for table in (SESSIONS, USER_DAYS):  # the rule asks neither
        ctx.lake.replace(table, spark.createDataFrame([], table.schema))
    ctx.lake.publish({})

    # At the earlier cut only one of the events had been received; at the later one all of them.
    for cut, members in ((SECOND, {"always"}), (THIRD, {"always", "leaves", "returns"})):
        run(replace(ctx, given_as_of=cut))
        of_cut = ctx.lake.read(COHORTS).where(F.col("as_of") == F.lit(cut))
        assert {row["user_id"] for row in of_cut.collect()} == members
