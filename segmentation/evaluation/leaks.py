"""Signs that a model was told the answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sklearn.metrics import roc_auc_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Z_99 = 2.5758293035489004


def find_suspects(matrix: Floats, label: Floats, *, names: Sequence[str], at_least: float) -> dict[str, float]:
    """Name the features that alone separate the classes too well to be true.

    Args:
        matrix: a row per user, a column per feature, no nulls.
        label: 0 or 1, both must occur.
        names: of the columns; of several with one name (value, and whether it was known) the best counts.
        at_least: area under the ROC curve of the feature by itself, rising or falling, from which on it may be a leak.

    Returns:
        name -> that area, of features that may be leaks.
    """
    found: dict[str, float] = {}
    for name, column in zip(names, matrix.T, strict=True):
        area = float(roc_auc_score(label, column))
        found[name] = max(found.get(name, 0.0), area, 1 - area)
    return {name: area for name, area in found.items() if area >= at_least}


def chance_interval(label: Floats) -> tuple[float, float]:
    """Return the interval in which 99 % of scores that know nothing have their area under the ROC curve.

    Variance of the Mann-Whitney statistic without ties: Hanley, McNeil (1982), Radiology 143; with ties it is smaller.
    """
    positives = float(label.sum())
    negatives = len(label) - positives
    half = Z_99 * math.sqrt((positives + negatives + 1) / (12 * positives * negatives))
    return 0.5 - half, 0.5 + half
