"""The value of a trait, by period and at cuts, against the oracle: whatever order observations come in."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from segmentation.profiles.observations import IS_READABLE, observe
from segmentation.profiles.params import ProfileParams, TraitPlace
from segmentation.profiles.periods import find_periods, update_profiles, values_at
from segmentation.tables import TRAIT_OBSERVATIONS
from tests.spark.profiles import oracle
from tests.spark.profiles.oracle import Told
from tests.spark.stored import stored_event, stored_events

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

START = datetime(2024, 3, 1, tzinfo=timezone.utc)
BEST_FIRST = ("crm", "web")
PARAMS = ProfileParams(sources=BEST_FIRST)
CUTS = tuple(date(2024, 3, day) for day in (1, 2, 3, 5, 9))


def draw(seed: int, number: int = 400) -> list[Told]:
    """Draw observations with many ties in time and sequence number, some received days later."""
    pick = random.Random(seed)
    return [
        Told(
            user=f"u{pick.randrange(8)}",
            trait=pick.choice(("plan", "country")),
            at=(at := START + timedelta(hours=6 * pick.randrange(20))),
            received=at + timedelta(days=pick.choice((0, 0, 0, 1, 3))),
            event=f"e{n % 300}",  # two sources may share an id
            source=("crm", "web", "shop")[n // 150],
            sequence=pick.choice((None, 1, 2)),
            value=pick.choice((None, "a", "b", "c")),
        )
        for n in range(number)
    ]


def frame(spark: SparkSession, told: list[Told], sign: int = 1) -> DataFrame:
    rows = [(t.user, t.trait, t.at, t.sequence, t.source, t.event, t.received, t.value, sign, 0) for t in told]
    return spark.createDataFrame(rows, TRAIT_OBSERVATIONS.schema)


def rows_of(periods: DataFrame) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in periods.selectExpr("* EXCEPT (valid_to_at)", "string(valid_to_at)").collect())


def test_values_at__are_those_of_the_oracle_at_every_cut(spark: SparkSession) -> None:
    told = draw(1)
    rows = values_at(frame(spark, told), PARAMS, cuts=CUTS, time_zone="Europe/Berlin").collect()
    for cut in CUTS:
        midnight = datetime(cut.year, cut.month, cut.day, tzinfo=timezone(timedelta(hours=1)))
        found = {(row["user_id"], row["trait"]): row["value"] for row in rows if row["as_of"] == cut}
        assert found == oracle.values_at(told, midnight, BEST_FIRST), cut
    assert {row["as_of"] for row in rows} == {*CUTS[1:]}


def test_find_periods__hold_the_value_of_the_oracle_at_every_instant(spark: SparkSession) -> None:
    told = draw(2)
    periods = find_periods(frame(spark, told), PARAMS).collect()
    forever = datetime(2100, 1, 1, tzinfo=timezone.utc)
    for hour in range(-1, 125):
        instant = START + timedelta(hours=hour)
        held = {
            (row["user_id"], row["trait"]): row["value"]
            for row in periods
            if utc(row["valid_from_at"]) < instant <= utc(row["valid_to_at"] or forever)
        }
        now = [one._replace(received=one.at) for one in told]  # periods are of all that is known
        assert held == oracle.values_at(now, instant, BEST_FIRST), hour
    in_order = sorted(periods, key=lambda row: (row["user_id"], row["trait"], row["valid_from_at"]))
    for row, following in pairwise(in_order):
        touches = (row["user_id"], row["trait"]) == (following["user_id"], following["trait"])
        assert not touches or row["valid_to_at"] < following["valid_from_at"] or row["value"] != following["value"]


def utc(instant: datetime) -> datetime:
    """Spark returns instants in the session's zone, without it: UTC."""
    return instant.replace(tzinfo=timezone.utc)


@pytest.mark.parametrize("seed", [3, 4])
def test_update_profiles__any_order_and_batches_with_removals_give_equal_rows(spark: SparkSession, seed: int) -> None:
    told = draw(seed)
    whole = find_periods(frame(spark, told[:300]), PARAMS)
    pick = random.Random(seed)
    # The last hundred come and go; the rest come in three batches of any order.
    ways = [(one, 1) for one in told] + [(one, -1) for one in told[300:]]
    came = sorted(ways, key=lambda way: (way[1] < 0) * 2 + pick.random())
    stored = frame(spark, [])
    profiles = find_periods(stored, PARAMS)
    for part in (came[:90], came[90:91], came[91:]):
        changed = frame(spark, [t for t, n in part if n > 0]).union(frame(spark, [t for t, n in part if n < 0], -1))
        change = update_profiles(changed, stored, PARAMS)
        profiles = profiles.join(change.owners.rows, ["user_id", "trait"], "left_anti").unionByName(change.rows)
        stored = stored.union(changed)
    assert rows_of(profiles) == rows_of(whole)


PLACES = (
    TraitPlace("crm", "plan", "text", "new plan", ()),
    TraitPlace("crm", "employees", "integer", "staff", ()),
    TraitPlace("web", "plan", "text", "plan", ("identify",)),
    TraitPlace("web", "ads", "boolean", "ads", ()),
    TraitPlace("web", "spend", "decimal", "spend", ()),
)


SENT = [
    ("another place per source", "crm", "x", '{"new plan":" pro ","plan":"free"}', [("plan", "pro", True)]),
    ("a blank value ends it", "crm", "x", '{"new plan":" "}', [("plan", None, True)]),
    ("null tells nothing", "crm", "x", '{"new plan":null}', []),
    ("an event that is not named", "web", "view", '{"plan":"pro"}', []),
    ("an event that is named", "web", "identify", '{"plan":"pro"}', [("plan", "pro", True)]),
    ("a source without places", "shop", "identify", '{"plan":"pro"}', []),
    ("a whole number", "crm", "x", '{"staff":"0012.0"}', [("employees", "12", True)]),
    ("a fraction is no whole number", "crm", "x", '{"staff":"12.5"}', [("employees", None, False)]),
    ("text is no number", "crm", "x", '{"staff":"a dozen"}', [("employees", None, False)]),
    ("a number with an exponent", "web", "x", '{"spend":"1.25E3"}', [("spend", "1250", True)]),
    ("places are not lost", "web", "x", '{"spend":"-0.50"}', [("spend", "-0.5", True)]),
    ("a number beyond all", "web", "x", '{"spend":"1e99"}', [("spend", None, False)]),
    ("consent", "web", "x", '{"ads":"Granted"}', [("ads", "true", True)]),
    ("no consent", "web", "x", '{"ads":"0"}', [("ads", "false", True)]),
    ("neither", "web", "x", '{"ads":"perhaps"}', [("ads", None, False)]),
    ("two traits", "web", "x", '{"ads":"1","spend":"2"}', [("ads", "true", True), ("spend", "2", True)]),
]


def test_observe(spark: SparkSession) -> None:
    rows = [
        stored_event(user_id="u", event_name=event, event_at=START, source=source, properties=sent, event_id=what)
        for what, source, event, sent, _ in SENT
    ]
    told: dict[str, list[tuple[str, str | None, bool]]] = {}
    for one in observe(stored_events(spark, rows).withColumn("sign", F.lit(1)), PLACES, "sign").collect():
        told.setdefault(one["event_id"], []).append((one["trait"], one["value"], one[IS_READABLE]))
    for what, _, _, _, expected in SENT:
        assert sorted(told.get(what, [])) == expected, what
