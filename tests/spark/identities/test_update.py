"""Identities that are updated equal those that are built from all events."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.identities.build import identify
from segmentation.identities.evidence import HAS_IDENTIFIERS, add_identifiers
from segmentation.identities.update import StoredIdentities, update_identities
from tests.spark.identities.test_identities import PARAMS, frame, make_cases

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


def rows(identities: DataFrame) -> set[tuple]:
    return {tuple(row) for row in identities.collect()}


@pytest.mark.parametrize(
    ("leaving", "coming"),
    [
        pytest.param(0.0, 0.2, id="events come"),
        pytest.param(0.2, 0.0, id="events leave"),
        pytest.param(0.3, 0.3, id="events come and leave"),
        pytest.param(0.0, 0.0, id="nothing changes"),
    ],
)
@pytest.mark.parametrize("params", [PARAMS, PARAMS.model_copy(update={"apart": ()})], ids=["apart", "joined"])
def test_update_identities(spark: SparkSession, params, leaving: float, coming: float) -> None:
    draw = random.Random(17)
    cases = make_cases()
    drawn = [
        (number, draw.choices(["stays", "leaves", "comes"], [1 - leaving - coming, leaving, coming])[0])
        for number in range(sum(map(len, cases)))
    ]
    kinds = spark.createDataFrame(drawn, "record_no bigint, kind string")
    events = checkpoint(frame(spark, cases).join(kinds, "record_no"))
    before, after = events.where("kind <> 'comes'"), events.where("kind <> 'leaves'")
    sign = F.when(F.col("kind") == "comes", 1).otherwise(-1)
    changed = add_identifiers(events.where("kind <> 'stays'"), params).where(HAS_IDENTIFIERS)
    net = changed.groupBy("event_at", "persons", "devices").agg(F.sum(sign).alias("events")).where("events <> 0")
    was = identify(before, params)
    evidence = was.evidence.withColumn("events_version", F.lit(0).cast("bigint"))
    change = update_identities(checkpoint(net), StoredIdentities(was.identities, evidence, after), params)
    found, expected = rows(was.identities), rows(identify(after, params).identities)
    removed, added = rows(change.removed.rows), rows(change.added.rows)
    assert (found - removed) | added == expected
    assert removed == found - expected  # rows that stay are not written again
    assert added == expected - found
