"""Measure the importance of features: the loss of a propensity model when one of them is permuted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyspark.ml.functions import array_to_vector
from pyspark.sql import functions as F

from segmentation.evaluation.classification import log_losses
from segmentation.models.held_out import score_vectors
from segmentation.models.preparation import VECTOR
from segmentation.statistics import Z_95

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from segmentation.models.calibrators import Calibrator
    from segmentation.models.held_out import HeldOut


@dataclass(frozen=True)
class Importance:
    """Permutation importance of a feature."""

    feature: str
    loss: float
    """Rise of the mean log loss when the feature's values are dealt out among users at random; below 0 it misleads."""
    lower: float
    upper: float
    """95 % interval over users (normal approximation of the paired differences)."""


def measure_importance(
    spark: SparkSession, measuring: HeldOut, *, model: Any, calibrator: Calibrator, names: Sequence[str], seed: int
) -> tuple[Importance, ...]:
    """Measure permutation importance of every feature on held-out users, in one Spark action.

    Breiman (2001), Random Forests, section 10, for the log loss of the calibrated score. One permutation per feature,
    drawn by the seed. A feature's value and whether it was known move together. Of features that say the same each may
    look unimportant, because the others stand in.

    Args:
        spark: the session.
        measuring: a bounded number of users.
        model: the classifier.
        calibrator: what turns its score into a probability.
        names: the feature behind each coordinate.
        seed: of the permutations.

    Returns:
        the features, most important first, ties by name.
    """
    users = len(measuring.label)
    random, features = np.random.default_rng(seed), sorted(set(names))
    mixed = [measuring.matrix]
    for feature in features:
        one = measuring.matrix.copy()
        columns = [i for i, name in enumerate(names) if name == feature]
        one[:, columns] = one[random.permutation(users)][:, columns]
        mixed.append(one)
    rows = np.vstack(mixed)
    frame = spark.createDataFrame(pd.DataFrame({"number": np.arange(len(rows)), "values": list(rows)}))
    vectors = frame.select("number", array_to_vector(F.col("values")).alias(VECTOR))
    scores = calibrator.apply(score_vectors(model, vectors)).reshape(len(mixed), users)
    base = log_losses(scores[0], measuring.label)
    found = []
    for feature, score in zip(features, scores[1:], strict=True):
        rise = log_losses(score, measuring.label) - base
        half = Z_95 * float(rise.std(ddof=1)) / users**0.5
        found.append(Importance(feature, float(rise.mean()), float(rise.mean()) - half, float(rise.mean()) + half))
    return tuple(sorted(found, key=lambda one: (-one.loss, one.feature)))
