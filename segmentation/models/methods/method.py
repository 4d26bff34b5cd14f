"""Interface of a clustering method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pyspark.ml import Transformer
    from pyspark.sql import DataFrame

    from segmentation.models.methods.micro import Reductions
    from segmentation.models.params import ClusterParams

Points = NDArray[np.float64]
Labels = NDArray[np.int_]

PREDICTION = "prediction"
"""Output column: the number of the cluster, which means nothing outside its model."""


class Method(Protocol):
    """A module with these. A setting is the number of clusters, or what decides it."""

    NAME: str

    def settings(self, points: Points, *, params: ClusterParams) -> tuple[float, ...]:
        """Return the settings that are tried."""

    def label(
        self, points: Points, setting: float, *, params: ClusterParams, reductions: Reductions | None = None
    ) -> Labels:
        """Group a sample on the driver; labels count from 0, and there are none where nothing was found.

        Methods that group micro-clusters look them up in `reductions`, where a caller keeps those of its samples.
        """

    def fit(self, users: DataFrame, setting: float, *, features: str, params: ClusterParams) -> list[Transformer]:
        """Group all users by Spark; the stages turn the column of vectors `features` into `PREDICTION`."""


def consecutive(labels: Labels) -> Labels:
    """Number the labels that occur from 0, in their order."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int_)
