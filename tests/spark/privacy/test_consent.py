"""Who allows what, against plain Python; and who gets features."""

from __future__ import annotations

import json
import math
import random
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from segmentation.privacy.consent import YES, build_consents, select_consented
from segmentation.privacy.params import ConsentParams

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
PURPOSES = ("profiling", "marketing", "research")
EVENTS = {
    "consent_set": {"purpose": "properties.for", "granted": "properties.status"},
    "opted_out": {"purpose": "marketing", "granted": False},
    "subscribed": {"purpose": "marketing", "granted": True},
}
NEEDED = ("marketing", "profiling")
SCHEMA = (
    "source string, event_id string, user_id string, event_name string, event_at timestamp, received_at timestamp, "
    "sequence_no bigint, properties string, position string"
)


def draw() -> list[tuple[Any, ...]]:
    """Draw events with ties in time, of a few users; some say nothing of consent, some name several purposes."""
    pick, rows = random.Random(3), []
    for number in range(400):
        at = START + timedelta(hours=pick.randint(0, 20))
        name = pick.choice(["consent_set", "consent_set", "opted_out", "subscribed", "view"])
        purposes = pick.choice([*PURPOSES, "profiling, marketing", " research  profiling ", "", None])
        status = pick.choice(["granted", "TRUE", " yes ", "denied", "false", "", None])
        properties = json.dumps({"for": purposes, "status": status})
        user = f"u{pick.randint(0, 60)}"
        rows.append(("web", f"e{number:03}", user, name, at, at, pick.choice([None, 1, 2]), properties, None))
    return rows


def told(row: tuple[Any, ...]) -> dict[str, bool]:
    _, _, _, name, _, _, _, text, _ = row
    given = json.loads(text)
    if name == "consent_set":
        status = (given["status"] or "").strip().lower() in YES
        return dict.fromkeys((given["for"] or "").replace(",", " ").split(), status)
    return {"marketing": name == "subscribed"} if name in EVENTS else {}


def allowed(rows: list[tuple[Any, ...]]) -> dict[tuple[str, str], bool]:
    """Fold the events in order: an event without a sequence number comes last, as in the tables."""
    state: dict[tuple[str, str], bool] = {}
    for row in sorted(rows, key=lambda r: (r[4], r[6] or math.inf, r[1])):
        state.update({(row[2], purpose): granted for purpose, granted in told(row).items()})
    return state


def params(**values: Any) -> ConsentParams:
    return ConsentParams.model_validate({"events": EVENTS, "needed": NEEDED, **values})


def names(frame: DataFrame) -> set[str]:
    return {row["user_id"] for row in frame.collect()}


def test_the_newest_event_decides_and_all_that_is_needed_must_be_granted(spark: SparkSession) -> None:
    rows = draw()
    random.Random(5).shuffle(rows)
    events = spark.createDataFrame(rows, SCHEMA)
    consents = build_consents(events, params()).localCheckpoint()
    expected = allowed(rows)
    found = {(row["user_id"], row["purpose"]): row["granted"] for row in consents.collect()}
    assert found == expected
    users = spark.range(70).select(F.concat(F.lit("u"), "id").alias("user_id"))  # some never said anything
    everybody = {f"u{n}" for n in range(70)}
    willing = {user for user in everybody if all(expected.get((user, purpose)) for purpose in NEEDED)}
    unwilling = {user for user in everybody if any(expected.get((user, purpose)) is False for purpose in NEEDED)}
    assert 0 < len(willing) < len(everybody - unwilling) < len(everybody)
    assert names(select_consented(users, consents, params())) == willing
    assert names(select_consented(users, consents, params(otherwise="granted"))) == everybody - unwilling
    assert names(select_consented(users, consents, params(needed=()))) == everybody
