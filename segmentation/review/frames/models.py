"""Read decisions on models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.review.frames.records import Records, fetch_records

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame


def list_decisions(decisions: DataFrame, as_of: date | None, limit: int) -> Records:
    """List the newest decisions of models up to a cut (None: all), newest first, ties by model and number."""
    known = decisions if as_of is None else decisions.where(F.col("as_of") <= F.lit(as_of))
    order = (F.col("decided_at").desc(), "model", F.col("decision_no").desc())
    return fetch_records(known.orderBy(*order).limit(limit))
