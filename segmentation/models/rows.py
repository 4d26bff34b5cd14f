"""Labelled users as vectors: what classifiers are trained on and judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.ml import Pipeline
from pyspark.sql import functions as F

from segmentation.errors import UntrainableError
from segmentation.models.candidates import DRAW
from segmentation.models.held_out import MEASURES, RANDOM_LABEL, SEGMENT, draw_of, measures_of, sampled
from segmentation.models.inputs import arrange, measure_features
from segmentation.models.preparation import VECTOR, preparation_stages
from segmentation.models.search import STOPS, Classes
from segmentation.models.windows import LABEL

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.models.params import PropensityParams
    from segmentation.models.windows import Cuts

SETS = ("training", "calibration half", "measuring half")


@dataclass(frozen=True)
class Rows:
    """Labelled users at all cuts, as vectors."""

    vectors: DataFrame
    """`user_id`, `cut`, `VECTOR`, `LABEL`, `RANDOM_LABEL`, `DRAW`, `MEASURES`, `STOPS`, `SEGMENT`; held in memory."""
    stages: Sequence[Any]
    """The fitted stages from features to vectors."""
    names: tuple[str, ...]
    """The feature behind each coordinate."""
    features: tuple[str, ...]
    left_out: Mapping[str, str]
    """Feature -> why nothing can be learnt from it."""
    classes: Mapping[date, Classes]
    counts: Mapping[str, int]
    """Users and positives of the three sets."""


def learnt_features(params: PropensityParams) -> tuple[str, ...]:
    """Return the features to train on: those of every model, and those of the simple one."""
    return tuple(dict.fromkeys((*params.features, *params.rfm_features)))


def prepare_rows(
    labelled: DataFrame, *, cuts: Cuts, target: str, params: PropensityParams, segments: DataFrame | None = None
) -> Rows:
    """Turn labelled users into vectors; bounds and medians are of the training cuts alone.

    Grain: a row of `label_users` at any of the cuts -> the same as a vector. Rows are arranged by key, splits are
    hashes of the user's id.

    Args:
        labelled: users at all cuts.
        cuts: which is for what.
        target: name of what is predicted, for messages.
        params: features and shares.
        segments: `user_id` and `segment` at the evaluation cut.

    Raises:
        UntrainableError: the training cuts or one half of the evaluation cut hold one class only.
        DataError: no feature tells users apart.
    """
    arranged = arrange(labelled, partitions=params.partitions, by=("user_id", "cut")).cache()
    try:
        classes, counts = _count_classes(arranged, cuts, target, params)
    except UntrainableError:
        arranged.unpersist()  # the run goes on without this target
        raise
    training = arranged.where(F.col("cut") != F.lit(cuts.evaluation))
    ranges, left_out = measure_features(training, features=learnt_features(params))
    stages = preparation_stages(ranges, transform="signed_log1p", clip=False, indicators=True)
    preparation = Pipeline(stages=stages).fit(training)
    learnt = sum((classes[cut] for cut in cuts.training), Classes(0, 0))
    drawn = F.pmod(F.xxhash64("user_id", "cut", F.lit("label")), F.lit(10_000)) / 10_000
    vectors = preparation.transform(arranged).select(
        "user_id",
        "cut",
        VECTOR,
        LABEL,
        (drawn < learnt.positives / learnt.rows).cast("double").alias(RANDOM_LABEL),
        draw_of("draw").alias(DRAW),
        measures_of(params).alias(MEASURES),
        (draw_of("stop") < params.early_stopping_share).alias(STOPS),
    )
    if segments is None:
        vectors = vectors.withColumn(SEGMENT, F.lit(None).cast("string"))
    else:
        looked_at = segments.where(sampled(params, classes[cuts.evaluation].rows)).select("user_id", SEGMENT)
        vectors = vectors.join(F.broadcast(looked_at), "user_id", "left")
    names = tuple(r.name for r in ranges) + tuple(r.name for r in ranges if r.has_nulls)
    held = vectors.localCheckpoint(eager=True)
    arranged.unpersist()
    return Rows(held, preparation.stages, names, tuple(r.name for r in ranges), left_out, classes, counts)


def _count_classes(
    arranged: DataFrame, cuts: Cuts, target: str, params: PropensityParams
) -> tuple[dict[date, Classes], dict[str, int]]:
    """Count users by cut, set and class; refuse a set that lacks a class."""
    evaluated = F.col("cut") == F.lit(cuts.evaluation)
    name = F.when(~evaluated, F.lit(SETS[0])).when(measures_of(params), F.lit(SETS[2])).otherwise(F.lit(SETS[1]))
    rows = (
        arranged.groupBy("cut", name.alias("set"))
        .agg(F.count(F.lit(1)).alias("users"), F.sum(LABEL).cast("int").alias("positives"))
        .collect()
    )
    by_cut = dict.fromkeys(cuts.all, Classes(0, 0))
    by_set = dict.fromkeys(SETS, Classes(0, 0))
    for row in rows:
        found = Classes(row["users"], row["positives"])
        by_cut[row["cut"]] += found
        by_set[row["set"]] += found
    counts: dict[str, int] = {}
    for one, found in by_set.items():
        if not found.are_both_there:
            days = ", ".join(map(str, cuts.training if one == SETS[0] else (cuts.evaluation,)))
            raise UntrainableError(
                f"propensity '{target}': the {one} (cut {days}) has one class only: {found.positives} of {found.rows} "
                f"users are positive; choose another --as-of or horizon_days, look at conf/targets/{target}.yaml, or "
                f"leave the target out of propensity.targets"
            )
        prefix = one.replace(" ", "_")
        counts |= {f"{prefix}_users": found.rows, f"{prefix}_positives": found.positives}
    return by_cut, counts
