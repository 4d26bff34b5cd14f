"""The tables as known at several cuts, recomputed from events in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.features.inputs import AS_OF
from segmentation.sessions.as_of import CutTables, before_cut, tables_of
from segmentation.sessions.orders import judge_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams

DAY = len("2024-01-31")


def tables_at_cuts(
    events: DataFrame, *, cuts: Sequence[date], workspace: WorkspaceParams, sessions: SessionParams
) -> CutTables:
    """Recompute the tables of several cuts, each from the events that were known at it.

    An event counts once for each cut that knows it. Until :func:`split_cuts` is applied, `user_id` begins with the
    cut, so that a user at one cut and the same user at another are two users. Session ids differ from the stored ones.
    """
    known = (F.when(before_cut(cut, workspace.time_zone), F.lit(cut.isoformat())) for cut in cuts)
    at_cuts = events.select("*", F.explode(F.array_compact(F.array(*known))).alias(AS_OF))
    apart = at_cuts.withColumn("user_id", F.concat(AS_OF, "user_id"))
    return tables_of(judge_all(apart, AS_OF), workspace=workspace, sessions=sessions)


def split_cuts(frame: DataFrame) -> DataFrame:
    """Split the `user_id` of :func:`tables_at_cuts` into `as_of` and `user_id`; a user at a cut stays a row's owner."""
    cut = F.to_date(F.substring("user_id", 1, DAY)).alias(AS_OF)
    user = F.expr(f"substring(user_id, {DAY + 1})").alias("user_id")
    return frame.select(cut, user, *(name for name in frame.columns if name != "user_id"))
