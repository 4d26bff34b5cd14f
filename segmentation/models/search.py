"""The declared search space: kinds of classifier with their settings, and how each is built."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from pyspark.ml.classification import GBTClassifier, LogisticRegression, RandomForestClassifier
from pyspark.sql import functions as F

from segmentation.models.preparation import VECTOR
from segmentation.models.windows import LABEL

if TYPE_CHECKING:
    from pyspark.sql import Column

    from segmentation.models.params import PropensityParams

LOGISTIC = "logistic_regression"
FOREST = "random_forest"
TREES = "gradient_boosted_trees"
LOGISTIC_ITERATIONS = 30
WEIGHT = "weight"
STOPS = "stops_boosting"
"""Whether a training row only tells when boosting should stop."""


@dataclass(frozen=True)
class Setting:
    """One point of the search space."""

    kind: str
    strength: float
    """Ridge penalty of the logistic regression, depth of trees."""
    class_weight: str = "none"

    @property
    def values(self) -> dict[str, float | str]:
        """Return the tuned parameters by Spark's names."""
        name = "regParam" if self.kind == LOGISTIC else "maxDepth"
        return {name: self.strength, "class_weight": self.class_weight}

    def __str__(self) -> str:
        """The setting in words; tells settings apart."""
        return " ".join([self.kind, *(f"{name}={value}" for name, value in self.values.items())])


@dataclass(frozen=True)
class Classes:
    """Number of training rows, and of positive ones among them."""

    rows: int
    positives: int

    @property
    def are_both_there(self) -> bool:
        """Return whether there are rows of both classes."""
        return 0 < self.positives < self.rows

    def __add__(self, other: Classes) -> Classes:
        """Put two sets together."""
        return Classes(self.rows + other.rows, self.positives + other.positives)


def declare_settings(params: PropensityParams) -> tuple[Setting, ...]:
    """List the search space, simpler kinds first: of equals the first is taken."""
    strengths = {
        LOGISTIC: params.logistic_regularisation,
        FOREST: tuple(map(float, params.forest_depths)),
        TREES: tuple(map(float, params.tree_depths)),
    }
    return tuple(
        Setting(kind, strength, weight)
        for kind, values in strengths.items()
        for strength, weight in product(values, params.class_weights)
    )


def build_estimator(setting: Setting, *, params: PropensityParams, features: str = VECTOR) -> Any:
    """Build the classifier of a setting; it reads `features`, `LABEL`, `WEIGHT` and, when boosting, `STOPS`."""
    columns: dict[str, Any] = {
        "featuresCol": features,
        "labelCol": LABEL,
        "weightCol": WEIGHT,
        "predictionCol": "class",
    }
    if setting.kind == LOGISTIC:
        return LogisticRegression(**columns, regParam=setting.strength, maxIter=LOGISTIC_ITERATIONS)
    grown = {**columns, "maxDepth": int(setting.strength), "seed": params.seed}
    if setting.kind == FOREST:
        return RandomForestClassifier(**grown, numTrees=params.forest_trees)
    early: dict[str, Any] = {"validationIndicatorCol": STOPS} if params.early_stopping_share > 0 else {}
    return GBTClassifier(**grown, **early, maxIter=params.tree_iterations, stepSize=params.tree_step)


def weight_of(setting: Setting, classes: Classes) -> Column:
    """Return the weight of a training row: 1, or such that both classes weigh alike and the mean is 1."""
    if setting.class_weight == "none":
        return F.lit(1.0)
    of_positives = classes.rows / (2 * classes.positives)
    of_negatives = classes.rows / (2 * (classes.rows - classes.positives))
    return F.when(F.col(LABEL) > 0, F.lit(of_positives)).otherwise(F.lit(of_negatives))
