"""Stays in hidden states against plain Python, period by period, on random users."""

from __future__ import annotations

import random
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from pyspark.sql.types import StructField, StructType

from segmentation.sequences.engagement import build_activity, build_engagement_stays, describe_states, find_states
from segmentation.sequences.hidden import choose_states, decode
from segmentation.sequences.params import EngagementParams
from segmentation.tables import USER_DAYS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

AS_OF = date(2024, 4, 1)
PARAMS = EngagementParams(period_days=7, periods=8, max_states=2, sample_users=100)


def random_days() -> list[tuple[str, date, int]]:
    """Users who are busy for a time and quiet for another; one was last seen before anything that is looked at."""
    chance, rows = random.Random(9), [("long ago", AS_OF - timedelta(days=90), 1), ("after", AS_OF, 1)]
    for user in range(60):
        busy_until = chance.randrange(7, 60)
        seen = [n for n in range(1, chance.randrange(2, 70)) if chance.random() < (0.9 if n > busy_until else 0.05)]
        rows += [(f"u{user}", AS_OF - timedelta(days=ago), chance.randrange(3)) for ago in seen]
    return rows


def frame_of(spark: SparkSession, days: list[tuple[str, date, int]]) -> DataFrame:
    schema = StructType([StructField(field.name, field.dataType) for field in USER_DAYS.schema])
    known = ({"user_id": user, "event_date": day, "purchases": bought} for user, day, bought in days)
    return spark.createDataFrame([tuple(row.get(name) for name in schema.names) for row in known], schema)


def expected_activity(days: list[tuple[str, date, int]]) -> dict[str, tuple[list[int], list[int]]]:
    """Count period by period, oldest first."""
    found = {}
    for user in sorted({user for user, day, _ in days if day < AS_OF}):
        own = [((AS_OF - day).days, bought) for name, day, bought in days if name == user and day < AS_OF]
        first = min((max(ago for ago, _ in own) - 1) // 7, 7)
        spans = [(7 * i + 1, 7 * i + 7) for i in range(first, -1, -1)]
        inside = [[bought for ago, bought in own if low <= ago <= high] for low, high in spans]
        found[user] = ([len(part) for part in inside], [sum(part) for part in inside])
    return found


def test_periods_stays_and_states(spark: SparkSession) -> None:
    days = random_days()
    activity = build_activity(frame_of(spark, days), as_of=AS_OF, params=PARAMS).persist()
    expected = expected_activity(days)
    rows = activity.collect()
    assert {row["user_id"]: (row["active_days"], row["purchases"]) for row in rows} == expected
    assert len(rows) == len(expected)
    assert expected["long ago"] == ([0] * 8, [0] * 8)

    model = find_states(activity, params=PARAMS)
    assert model.sequences == len(expected)
    turned = build_activity(frame_of(spark, days[::-1]).repartition(3), as_of=AS_OF, params=PARAMS)
    assert find_states(turned, params=PARAMS) == model
    alone = choose_states([active for active, _ in expected.values()], most=2, greatest=7)
    assert model.means == pytest.approx(alone.means, abs=0.02)  # in another order of users
    assert len(model.start) == 2

    stays = build_engagement_stays(activity, model=model, as_of=AS_OF, params=PARAMS).persist()
    per_user: dict[str, list] = {user: [] for user in expected}
    for row in stays.orderBy("user_id", "started_date").collect():
        per_user[row["user_id"]].append(row)
    for user, (active, bought) in expected.items():
        own, path = per_user[user], decode(model, [active])[0]
        states = [state for row in own for state in [row["state"]] * row["periods"]]
        assert states == (path.states + 1).tolist(), user
        assert [row["previous_state"] for row in own] == [None, *(row["state"] for row in own[:-1])]
        assert all(a["until_date"] == b["started_date"] for a, b in pairwise(own))
        assert all(a["state"] != b["state"] for a, b in pairwise(own))
        assert own[0]["started_date"] == AS_OF - timedelta(days=7 * len(active))
        assert (own[-1]["until_date"], own[-1]["is_current"]) == (AS_OF, True)
        assert not any(row["is_current"] for row in own[:-1])
        assert sum(row["active_days"] for row in own) == sum(active)
        assert sum(row["purchases"] for row in own) == sum(bought)
        certain = sum(row["certainty"] * row["periods"] for row in own)
        assert certain == pytest.approx(path.certainty.sum(), rel=1e-9)

    states = describe_states(stays, model=model, as_of=AS_OF, params=PARAMS).orderBy("state").collect()
    assert [row["state"] for row in states] == [1, 2]
    assert sum(row["users"] for row in states) == len(expected)
    assert sum(row["periods"] for row in states) == sum(len(active) for active, _ in expected.values())
    bought = sum(row["purchases_mean"] * row["periods"] for row in states)
    assert bought == pytest.approx(sum(sum(bought) for _, bought in expected.values()))
    for row in states:
        assert sum(row["move_shares"]) == pytest.approx(1)
        assert row["stay_mean_periods"] == pytest.approx(1 / (1 - row["move_shares"][row["state"] - 1]))
        assert row["active_days_mean"] == pytest.approx(sum(i * p for i, p in enumerate(row["active_days_shares"])))
    activity.unpersist()
    stays.unpersist()
