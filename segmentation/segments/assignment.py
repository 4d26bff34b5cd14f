"""Who is in which segment, and how likely to do what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType

from segmentation.frames import conform
from segmentation.models.held_out import RAW
from segmentation.models.hysteresis import MODEL_CLUSTER
from segmentation.models.propensity import CALIBRATED, score_propensity
from segmentation.tables import SEGMENT_ASSIGNMENTS
from segmentation.tables.segment_assignments import PROPENSITY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame

    from segmentation.models.clustering import Segment
    from segmentation.segments.targets import Target

MODEL = "model"
"""The segmentation by the cluster model, beside `rule:<name>`."""


@dataclass(frozen=True)
class Scorer:
    """A propensity model in use."""

    target: Target
    version: str
    pipeline: PipelineModel


def add_propensities(users: DataFrame, *, scorers: Sequence[Scorer]) -> DataFrame:
    """Score users by every propensity model.

    Grain: a user with the models' features and the targets' `asked_column` -> the same user with `propensities`, one
    entry per target, sorted by target. `raw` and `calibrated` are null for who is not asked about: nobody who is long
    gone can churn any more.
    """
    ordered = sorted(scorers, key=lambda scorer: scorer.target.name)
    flags = {scorer.target.asked_column for scorer in ordered}
    kept = [name for name in users.columns if name not in flags]
    for scorer in ordered:
        asked = F.col(scorer.target.asked_column)
        entry = F.struct(
            F.lit(scorer.target.name).alias("target"),
            F.when(asked, F.col(RAW)).alias("raw"),
            F.when(asked, F.col(CALIBRATED)).alias("calibrated"),
            F.lit(scorer.version).alias("model_version"),
        ).cast(PROPENSITY)
        users = score_propensity(users, pipeline=scorer.pipeline).select(*users.columns, entry.alias(_entry(scorer)))
    entries = F.array(*map(_entry, ordered)).cast(ArrayType(PROPENSITY))  # of no type where there are none
    return users.select(*kept, entries.alias("propensities"))


def build_segment_assignments(
    scored: DataFrame, *, segments: Sequence[Segment], cluster_model_version: str, assignment_rule: str, as_of: date
) -> DataFrame:
    """Name each user's cluster by the segment that the model carries for it.

    Grain: a scored user (`hold_clusters` and `propensities`) -> a row of `segment_assignments`.
    """
    scores = ("user_id", "cluster_id", MODEL_CLUSTER, "distance", "margin", "outlier", "propensities")
    named = scored.select(
        *(F.col(name) for name in scores),
        F.lit(as_of).alias("as_of"),
        _by_cluster(segments, "segment_id").alias("segment_id"),
        _by_cluster(segments, "segment_name").alias("segment_name"),
        F.lit(cluster_model_version).alias("cluster_model_version"),
        F.lit(assignment_rule).alias("assignment_rule"),
    )
    return conform(named, SEGMENT_ASSIGNMENTS)


def select_memberships(assignments: DataFrame) -> DataFrame:
    """Select what the change log compares.

    Grain: a scored user at one cut -> `segmentation`, `user_id`, `segment_id`, `version` (of the model, and the rule by
    which users are put into its clusters) and canonical JSON `evidence`.
    """
    return assignments.select(
        F.lit(MODEL).alias("segmentation"),
        "user_id",
        "segment_id",
        F.concat_ws(" ", "cluster_model_version", "assignment_rule").alias("version"),
        F.to_json(F.struct("distance", "margin", "segment_name")).alias("evidence"),
    )


def _entry(scorer: Scorer) -> str:
    return f"_propensity_{scorer.target.name}"


def _by_cluster(segments: Sequence[Segment], field: str) -> Column:
    pairs = [part for s in segments for part in (F.lit(s.cluster_id), F.lit(getattr(s, field)))]
    return F.element_at(F.create_map(*pairs), F.col("cluster_id"))
