"""From a classifier's score to a probability that means what it says: Platt's sigmoid or isotonic steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyspark.ml.feature import SQLTransformer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from segmentation.evaluation.classification import LOG_LOSS, probability_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PLATT = "platt"
ISOTONIC = "isotonic"
FOLDS = 5
EDGE = 1e-6
"""Scores are kept within [edge, 1 - edge] before their log-odds are taken."""


@dataclass(frozen=True)
class Platt:
    """Probability = 1 / (1 + exp(-(slope * log-odds of the score + intercept))); the slope is never below 0."""

    slope: float
    intercept: float

    def apply(self, score: Floats) -> Floats:
        """Return calibrated probabilities."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * _log_odds(score) + self.intercept))))

    def sql(self, score: str) -> str:
        """Return the same in SQL."""
        kept = f"LEAST(GREATEST({score}, {EDGE!r}D), {1 - EDGE!r}D)"
        return f"1 / (1 + EXP(-({self.slope!r}D * LN({kept} / (1 - {kept})) + {self.intercept!r}D)))"


@dataclass(frozen=True)
class Isotonic:
    """A rising function, linear between its knots and level beyond them."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def apply(self, score: Floats) -> Floats:
        """Return calibrated probabilities."""
        return np.interp(score, self.scores, self.probabilities)

    def sql(self, score: str) -> str:
        """Return the same in SQL; the knot at or below the score is found by counting."""
        x, y = _array(self.scores), _array(self.probabilities)
        below, last = f"SIZE(FILTER({x}, x -> x <= {score}))", len(self.scores)
        return (
            f"CASE WHEN {score} <= {self.scores[0]!r}D THEN {self.probabilities[0]!r}D "
            f"WHEN {score} >= {self.scores[-1]!r}D THEN {self.probabilities[-1]!r}D "
            f"ELSE TRANSFORM(ARRAY(LEAST({below}, {last - 1})), i -> {y}[i - 1] + ({y}[i] - {y}[i - 1]) "
            f"* ({score} - {x}[i - 1]) / ({x}[i] - {x}[i - 1]))[0] END"
        )


Calibrator = Platt | Isotonic


@dataclass(frozen=True)
class Calibration:
    """The chosen calibrator and how both did on users that neither was fitted on."""

    method: str
    calibrator: Calibrator
    held_out: Mapping[str, float]
    """Method -> log loss over the folds of the calibrating users; empty where a fold lacked a class."""


def choose_calibrator(score: Floats, label: Floats, draw: Floats) -> Calibration:
    """Fit both calibrators to users that the classifier was not trained on, and keep the better.

    Better is the lower log loss on users held out from both: the calibrating users are split into five folds of a size,
    each is calibrated by what the other four say. Platt, which has two numbers only, on ties and where a fold lacks a
    class. What is kept is fitted on all of them.

    Args:
        score: raw probabilities.
        label: 0 or 1; both must occur.
        draw: a number per user, by hash: users in its order make up the folds.
    """
    fold = np.argsort(np.argsort(draw, kind="stable"), kind="stable") * FOLDS // len(draw)
    fits: dict[str, Callable[[Floats, Floats], Calibrator]] = {PLATT: fit_platt, ISOTONIC: fit_isotonic}
    ids = [one for one in range(FOLDS) if (fold == one).any()]
    if len(ids) < 2 or any(not 0 < label[fold != one].mean() < 1 for one in ids):  # noqa: PLR2004  something held out
        return Calibration(PLATT, fit_platt(score, label), {})
    losses: dict[str, float] = {}
    for method, fit in fits.items():
        apart = np.empty(len(score))
        for one in ids:
            inside = fold == one
            apart[inside] = fit(score[~inside], label[~inside]).apply(score[inside])
        losses[method] = probability_figures(apart, label)[LOG_LOSS]
    method = min(losses, key=lambda name: losses[name])
    return Calibration(method, fits[method](score, label), losses)


def fit_platt(score: Floats, label: Floats) -> Platt:
    """Fit Platt's sigmoid to the log-odds of a score, with his smoothed targets.

    Formula: Platt (1999), Probabilistic Outputs for Support Vector Machines, section 2.2. A score that would turn the
    order of users round has no meaning: all users then get the (smoothed) share of positives.
    """
    positives, negatives = float(label.sum()), float((1 - label).sum())
    target = np.where(label > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    x = _log_odds(score).reshape(-1, 1)
    twice, classes = np.vstack([x, x]), np.concatenate([np.ones(len(x)), np.zeros(len(x))])
    fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1_000).fit(
        twice, classes, sample_weight=np.concatenate([target, 1 - target])
    )
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope > 0:
        return Platt(slope, intercept)
    share = float(target.mean())
    return Platt(0.0, float(np.log(share / (1 - share))))


def fit_isotonic(score: Floats, label: Floats) -> Isotonic:
    """Fit observed shares as a rising function of the score (scikit-learn's pool-adjacent-violators).

    One made-up positive at the lowest score and one negative at the highest (Laplace's rule for the outermost steps)
    keep the function from saying never or always on the word of a few users.
    """
    x, y = np.append(score, [score.min(), score.max()]), np.append(label, [1.0, 0.0])
    fitted = IsotonicRegression(out_of_bounds="clip").fit(x, y)
    return Isotonic(tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_)))


def calibration_stage(calibrator: Calibrator, *, score: str, output: str) -> SQLTransformer:
    """Return the pipeline stage that adds the calibrated probability of column `score` as column `output`."""
    return SQLTransformer(statement=f"SELECT *, {calibrator.sql(f'`{score}`')} AS `{output}` FROM __THIS__")  # noqa: S608  our own names


def _log_odds(score: Floats) -> Floats:
    kept = np.clip(score, EDGE, 1 - EDGE)
    return np.asarray(np.log(kept / (1 - kept)))


def _array(values: tuple[float, ...]) -> str:
    return "ARRAY(" + ", ".join(f"{value!r}D" for value in values) + ")"
