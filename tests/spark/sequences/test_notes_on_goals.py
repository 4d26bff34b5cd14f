"""Notes on goals and steps of funnels that never occur."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segmentation.sequences.analyses import note_goals_never_reached
from tests.spark.sequences.walks import steps_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_note_goals_never_reached__names_the_goal_and_frequent_states(spark: SparkSession) -> None:
    steps = steps_of(spark, {"u/s1": "home list list buy", "v/s2": "home list"}).persist()
    assert note_goals_never_reached(steps, ["purchase", "buy"], {"shop": [2, 1]}) == []
    goal, funnel = note_goals_never_reached(steps, ["purchase"], {"shop": [2, 0, 0]})
    assert "sequences.goals: purchase" in goal
    assert goal.endswith("list, home, buy")
    assert "funnel 'shop': step 2 of 3 is never reached" in funnel
