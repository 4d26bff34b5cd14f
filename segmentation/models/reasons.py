"""Explain a user's score by the contribution of each feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.models.calibrators import EDGE
from segmentation.models.held_out import RAW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame


def usual_values(users: DataFrame, *, features: Sequence[str]) -> DataFrame:
    """Return the exact median of each feature over the users given, in one row; null: no user has a known value."""
    return users.agg(*(F.percentile(name, F.lit(0.5)).alias(f"_median_{name}") for name in features))


def explain_scores(
    users: DataFrame, *, usual: DataFrame, pipeline: PipelineModel, features: Sequence[str], top: int
) -> DataFrame:
    """Say which features move a user's score away from what it would be with usual values.

    Grain: a user (`user_id`, the features as doubles) -> up to `top` rows per user: `rank` (1: moves most), `feature`,
    its `value`, the `reference` and the `contribution`. The method is occlusion, one feature at a time (Robnik-Sikonja,
    Kononenko 2008, IEEE TKDE 20(5)): the log-odds of the raw score, less the log-odds with this feature at its exact
    usual value; above 0 it makes the score higher. Contributions need not add up to anything: where
    features say the same, each alone moves little. Features that move nothing are left out; ties by name. Each user is
    scored once per feature, and once as they are.

    Args:
        users: of one cut.
        usual: the row of :func:`usual_values`.
        pipeline: the propensity model.
        features: what the model reads.
        top: rows per user at most.
    """
    beside = users.crossJoin(F.broadcast(usual))
    variants = F.explode(F.array(*(_variant(features, changed) for changed in (None, *features)))).alias("v")
    scored = pipeline.transform(beside.select("user_id", variants).select("user_id", "v.*")).select(
        "user_id", "_changed", "_value", "_reference", _log_odds(F.col(RAW)).alias("_log_odds")
    )
    as_it_is = F.max(F.when(F.col("_changed").isNull(), F.col("_log_odds")))
    change = F.struct(
        F.col("_changed").alias("feature"),
        F.col("_value").alias("value"),
        F.col("_reference").alias("reference"),
        F.col("_log_odds").alias("without"),
    )
    gathered = scored.groupBy("user_id").agg(
        as_it_is.alias("_as_it_is"), F.collect_list(F.when(F.col("_changed").isNotNull(), change)).alias("_changes")
    )
    moved = F.filter(F.transform("_changes", _contribution), lambda c: c["size"] < 0)
    ranked = F.slice(F.array_sort(moved), 1, top)
    return gathered.select("user_id", F.posexplode(ranked).alias("_position", "_reason")).select(
        "user_id",
        (F.col("_position") + 1).alias("rank"),
        "_reason.feature",
        "_reason.value",
        "_reason.reference",
        "_reason.contribution",
    )


def _variant(features: Sequence[str], changed: str | None) -> Column:
    """The user's features, with one of them at its median."""
    values = [(F.col(f"_median_{name}") if name == changed else F.col(name)).alias(name) for name in features]
    unknown = F.lit(None).cast("double")
    return F.struct(
        F.lit(changed).cast("string").alias("_changed"),
        (unknown if changed is None else F.col(changed)).alias("_value"),
        (unknown if changed is None else F.col(f"_median_{changed}")).alias("_reference"),
        *values,
    )


def _contribution(change: Column) -> Column:
    """In an order in which the largest contribution comes first, ties by name."""
    contribution = F.col("_as_it_is") - change["without"]
    return F.struct(
        (-F.abs(contribution)).alias("size"),
        change["feature"].alias("feature"),
        change["value"].alias("value"),
        change["reference"].alias("reference"),
        contribution.alias("contribution"),
    )


def _log_odds(probability: Column) -> Column:
    kept = F.least(F.greatest(probability, F.lit(EDGE)), F.lit(1 - EDGE))
    return F.log(kept / (1 - kept))
