"""Writes down which model versions were decided on, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import small_frame
from segmentation.tables import MODEL_DECISIONS
from segmentation.tracking.promotion import decision_row, is_noted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.runtime.context import Context
    from segmentation.tracking.records import ModelVersion


def write_decisions(ctx: Context, models: Mapping[str, ModelVersion]) -> None:
    """Add every decision that `model_decisions` does not hold yet, those of runs that broke off included, and publish.

    Args:
        ctx: the run; its cut is the decisions' `as_of`.
        models: kind of model -> the version that was decided on.
    """
    stored = ctx.lake.read(MODEL_DECISIONS).where(F.col("model").isin(*models))
    known = stored.groupBy("model").agg(F.max("decision_no"), F.collect_set("version")).collect()
    last = {row[0]: row[1] for row in known}
    written = {(row[0], version) for row in known for version in row[2]}
    rows = [
        decision_row(model, kind=kind, number=last.get(kind, 0) + 1, as_of=ctx.as_of, run_id=ctx.run_id)
        for kind, model in models.items()
        if (kind, model.version) not in written and is_noted(model)
    ]
    if rows:
        ctx.lake.append(MODEL_DECISIONS, small_frame(ctx.spark, rows, MODEL_DECISIONS.schema).coalesce(1))
        ctx.lake.publish({})
