"""The job on a small lake: everybody who was known at a past cut, whatever came since, and the same again."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from jobs import build_engagement
from segmentation.lake.lake import Lake
from segmentation.tables import ENGAGEMENT_STAYS, EVENTS
from tests.spark.review.small_lake import few_hits, write_lake

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CONF = Path(__file__).parents[3] / "conf"
pytestmark = [pytest.mark.spark, pytest.mark.faults]  # a lake is written and a model fitted: half a minute


def test_the_job_writes_who_was_how_engaged_at_the_cut(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hits, lake = few_hits(), Lake(spark, str(tmp_path / "lake"), "first")
    last = write_lake(lake, hits)
    cut = last - timedelta(days=2)
    days = {(hit.user, hit.at.date()) for hit in hits if hit.at.date() < cut}
    users = {user for user, _ in days}
    assert len(users) < len({hit.user for hit in hits})

    def run(as_of: object) -> tuple[int, dict]:
        settings = ("engagement.period_days=2", "engagement.max_states=2")
        code = build_engagement.main(
            [
                "--conf-dir",
                str(CONF),
                "--lake",
                str(tmp_path / "lake"),
                "--as-of",
                str(as_of),
                *(f"--set={one}" for one in settings),
            ]
        )
        return code, json.loads(capsys.readouterr().out.strip().splitlines()[-1])

    def stays() -> list:
        return sorted(map(tuple, Lake(spark, str(tmp_path / "lake"), "reader").read(ENGAGEMENT_STAYS).collect()))

    code, result = run(cut)
    assert (code, sorted(result["tables"])) == (0, ["engagement_states", "engagement_stays"])
    assert sum(result["quality"]["users"]) == result["quality"]["sampled"] == len(users)
    lake = Lake(spark, str(tmp_path / "lake"), "second")
    assert lake.reflects(EVENTS, build_engagement.WRITES)
    of_users = lake.read(ENGAGEMENT_STAYS).groupBy("user_id").agg(F.sum("active_days").alias("days")).collect()
    assert {row["user_id"]: row["days"] for row in of_users} == {
        user: sum(of == user for of, _ in days) for user in users
    }
    before = stays()
    assert run(cut)[0] == 0
    assert stays() == before
    code, result = run(min(hit.at for hit in hits).date())
    assert (code, "no event happened" in result["error"]) == (3, True)
    assert stays() == before
