"""Typical journeys of a lake: the same whatever the order of rows, and every session by the nearest one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from segmentation.sequences.alignment import match, normalise
from segmentation.sequences.clusters import build_journey_clusters, find_typical
from segmentation.sequences.params import SequenceParams
from segmentation.tables import USER_SEQUENCES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

KINDS = ("look look look", "look look", "list cart list cart", "list cart list cart buy", "help call", "help help call")


def test_every_session_is_with_the_typical_journey_nearest_to_it(spark: SparkSession) -> None:
    day = date(2024, 5, 1)
    rows = [
        (f"s{n:02d}", f"u{n % 7}", day, day, "web", None, KINDS[n % 6].split(), len(KINDS[n % 6].split()), n % 6 == 3)
        for n in range(40)
    ]
    params = SequenceParams(cluster_sample=30, max_clusters=3)
    models = [
        find_typical(spark.createDataFrame(ordered, USER_SEQUENCES.schema), params=params)
        for ordered in (rows, rows[::-1])
    ]
    assert models[0] == models[1]
    assert models[0].version == models[1].version
    model = models[0]
    assert (model.sampled, len(model.typical)) == (30, 3)
    found = build_journey_clusters(spark.createDataFrame(rows, USER_SEQUENCES.schema), model=model).collect()
    assert len(found) == len(rows)
    states = {row[0]: tuple(row[6]) for row in rows}
    for row in found:
        own, typical = [states[row["session_id"]]], model.typical
        distances = normalise(match(own, typical, costs=model.costs), own, typical)[0]
        assert row["distance"] == pytest.approx(distances.min())
        assert (row["cluster"], row["typical"]) == (distances.argmin() + 1, list(typical[distances.argmin()]))
    together = {
        kind: {row["cluster"] for row in found if states[row["session_id"]] == tuple(kind.split())} for kind in KINDS
    }
    assert together[KINDS[0]] == together[KINDS[1]]
    assert together[KINDS[4]] == together[KINDS[5]]
    assert together[KINDS[0]] != together[KINDS[4]]
