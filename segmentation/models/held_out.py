"""The later users on whom models are calibrated and measured: a bounded number of rows, as arrays on the driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyspark.ml.functions import vector_to_array
from pyspark.sql import functions as F

from segmentation.models.candidates import DRAW, PROBABILITY, score_of
from segmentation.models.preparation import VECTOR
from segmentation.models.windows import LABEL

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame

    from segmentation.models.params import PropensityParams

    Floats = NDArray[np.float64]

MEASURES = "measures"
"""Whether a user of the evaluation cut is in the measuring half."""
SEGMENT = "segment"
RANDOM_LABEL = "random_label"
"""A label that is drawn by hash, as often 1 as the true one: no feature can predict it."""
RAW = "raw"
"""Output column of a propensity pipeline: the classifier's probability."""
PREDICTION = "prediction"
"""Output column of a propensity pipeline: the calibrated probability."""


@dataclass(frozen=True)
class HeldOut:
    """Users of the evaluation cut, or one half of them, in the order of their ids."""

    label: Floats
    random_label: Floats
    draw: Floats
    """A number in [0, 1) per user, by hash."""
    measures: NDArray[np.bool_]
    segment: NDArray[np.object_]
    """Name of each user's segment; None where none is known."""
    matrix: Floats
    """Input of the models: a row per user, a column per coordinate."""
    scores: Mapping[str, Floats] = field(default_factory=dict)
    """Model -> raw probabilities."""

    @property
    def calibrating(self) -> HeldOut:
        """The half that chooses and calibrates."""
        return self.where(~self.measures)

    def where(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> HeldOut:
        """Keep some of the users, by a mask or by position."""
        return HeldOut(
            self.label[kept],
            self.random_label[kept],
            self.draw[kept],
            self.measures[kept],
            self.segment[kept],
            self.matrix[kept],
            {name: score[kept] for name, score in self.scores.items()},
        )


def draw_of(salt: str) -> Column:
    """Draw a number in [0, 1) from a user's id: the same in every run, and unrelated for different salts."""
    return F.pmod(F.xxhash64("user_id", F.lit(salt)), F.lit(10_000)) / 10_000


def measures_of(params: PropensityParams) -> Column:
    """Tell whether a user of the evaluation cut measures; the others calibrate."""
    return draw_of("half") >= params.calibration_share


def sampled(params: PropensityParams, users: int) -> Column:
    """Tell whether a user is among those that are looked at one by one: all, or a fixed sample of about so many."""
    return F.lit(True) if users <= params.judged_users else draw_of("draw") < params.judged_users / users


def score_held_out(vectors: DataFrame, *, models: Mapping[str, Any]) -> HeldOut:
    """Score the users of the evaluation cut by several classifiers, all in one Spark action.

    Grain: a user (`user_id`, `VECTOR`, `LABEL`, `RANDOM_LABEL`, `DRAW`, `MEASURES`, `SEGMENT`), at most `judged_users`
    of them -> arrays.
    """
    scored, columns = vectors, []
    for number, (name, model) in enumerate(models.items()):
        scored = score_of(model, f"_score_{number}").transform(scored)
        columns.append(vector_to_array(F.col(f"_score_{number}"))[1].alias(name))
    matrix = vector_to_array(F.col(VECTOR)).alias(VECTOR)
    kept = ("user_id", LABEL, RANDOM_LABEL, DRAW, MEASURES, SEGMENT)
    found: pd.DataFrame = scored.select(*kept, matrix, *columns).toPandas()
    found = found.sort_values("user_id", ignore_index=True)
    return HeldOut(
        found[LABEL].to_numpy(float),
        found[RANDOM_LABEL].to_numpy(float),
        found[DRAW].to_numpy(float),
        found[MEASURES].to_numpy(bool),
        found[SEGMENT].to_numpy(object),
        np.vstack(found[VECTOR].to_list()).astype(float),
        {name: found[name].to_numpy(float) for name in models},
    )


def score_vectors(model: Any, vectors: DataFrame) -> Floats:
    """Return a classifier's probabilities of rows `number`, `VECTOR`, in the order of their numbers."""
    scored = score_of(model, PROBABILITY).transform(vectors)
    found: pd.DataFrame = scored.select("number", vector_to_array(F.col(PROBABILITY))[1].alias("p")).toPandas()
    return found.sort_values("number")["p"].to_numpy(float)


def score_measuring(
    labelled: DataFrame, *, pipeline: PipelineModel, params: PropensityParams, users: int
) -> pd.DataFrame:
    """Score the measuring half of an evaluation cut by a finished model, to compare it with another.

    Grain: a labelled user with the model's features -> `user_id`, `label`, `raw`, `prediction`, in the order of ids;
    of more than `judged_users` users a fixed sample.
    """
    measuring = labelled.where(measures_of(params) & sampled(params, users))
    scored: pd.DataFrame = pipeline.transform(measuring).select("user_id", LABEL, RAW, PREDICTION).toPandas()
    return scored.sort_values("user_id", ignore_index=True)
