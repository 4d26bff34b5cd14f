"""Intervals, false discovery rates and bootstrap resamples that several packages share."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import numpy as np
from pyspark.sql import functions as F
from scipy.stats import false_discovery_control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from pyspark.sql import Column

Z_95 = 1.959963984540054
"""Two-sided 95 % point of the standard normal distribution."""
LEVEL = 0.95
"""Coverage of all intervals."""


class TestResult(Protocol):
    """A dataclass with the result of a statistical test."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def p_value(self) -> float:
        """Return the p value of this test alone."""

    @property
    def q_value(self) -> float:
        """Return the least false discovery rate at which this test is a finding."""


T = TypeVar("T", bound=TestResult)


def wilson_interval(successes: float, trials: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share.

    Trials count as independent. If several belong to one session or user, the true interval is wider.

    Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22, 209-212; without continuity correction.
    """
    lower, upper = _wilson(successes / trials, trials, math.sqrt)
    return (0.0 if successes == 0 else max(0.0, lower)), (1.0 if successes == trials else min(1.0, upper))


def wilson_bounds(successes: Column, trials: Column) -> tuple[Column, Column]:
    """Return the columns of :func:`wilson_interval`; null if there are no trials."""
    n = F.when(trials > 0, trials.cast("double"))
    lower, upper = _wilson(successes / n, n, F.sqrt)
    at_zero, at_one = successes == 0, successes == trials
    return (
        F.when(n.isNull(), None).when(at_zero, 0.0).otherwise(lower),
        F.when(n.isNull(), None).when(at_one, 1.0).otherwise(upper),
    )


def _wilson(share: Any, trials: Any, sqrt: Callable[[Any], Any]) -> tuple[Any, Any]:
    scale = 1 + Z_95 * Z_95 / trials
    centre = (share + Z_95 * Z_95 / (2 * trials)) / scale
    half = Z_95 / scale * sqrt(share * (1 - share) / trials + Z_95 * Z_95 / (4 * trials * trials))
    return centre - half, centre + half


def with_q_values(tests: Sequence[T]) -> list[T]:
    """Return the tests with the q values that they have as one family.

    Source: Y. Benjamini, Y. Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
    """
    if not tests:
        return []
    adjusted = false_discovery_control([test.p_value for test in tests], method="bh")
    return [replace(test, q_value=float(q)) for test, q in zip(tests, adjusted, strict=True)]


def draw_resamples(size: int, rounds: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw bootstrap samples: for each round, the positions of `size` rows drawn with replacement."""
    random = np.random.default_rng(seed)
    for _ in range(rounds):
        yield random.integers(0, size, size)


def percentile_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % percentile interval of a figure's bootstrap values.

    Source: B. Efron, R. Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    lower, upper = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(lower), float(upper)
