"""Several cuts recomputed in one pass against each cut recomputed alone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from segmentation.features.inputs import AS_OF
from segmentation.parameters import WorkspaceParams
from segmentation.runtime.past import split_cuts, tables_at_cuts
from segmentation.sessions.as_of import tables_at_cut
from segmentation.sessions.params import SessionParams
from tests.spark.clicks import clicks, events_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

CUTS = (date(2024, 3, 12), date(2024, 3, 20))
SETTINGS = {"workspace": WorkspaceParams(), "sessions": SessionParams()}


def rows(frame: DataFrame) -> list[str]:
    named = sorted(name for name in frame.columns if name not in {AS_OF, "session_id"})
    return sorted(str(row) for row in frame.select(*named).collect())


def test_tables_at_cuts__equal_those_of_each_cut_alone(spark: SparkSession) -> None:
    events = events_of(spark, list(clicks()))
    together = tables_at_cuts(events, cuts=CUTS, **SETTINGS)
    for cut in CUTS:
        alone = tables_at_cut(events, as_of=cut, **SETTINGS)
        assert rows(alone.user_days)
        for name in ("user_days", "item_counts", "sessions"):
            of_cut = split_cuts(getattr(together, name)).where(f"{AS_OF} = DATE'{cut}'")
            assert rows(of_cut) == rows(getattr(alone, name)), name
