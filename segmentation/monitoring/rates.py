"""Are rates what they were, and predictions come true? Small counts on the driver."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from scipy.stats import norm

from segmentation.sequences.differences import POWER, choose_family, compare_flows
from segmentation.statistics import wilson_interval, with_q_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from segmentation.monitoring.params import MonitoringParams
    from segmentation.sequences.differences import Flows, TransitionDifference

TRANSITION, CALIBRATION = "transition:", "calibration:"


@dataclass(frozen=True)
class Rate:
    """A rate beside what was to be expected."""

    scope: str
    from_date: date
    until_date: date
    successes: int
    trials: int
    reference: float | None
    reference_trials: int | None
    lower: float | None
    upper: float | None
    """95 % interval of the difference alone."""
    p_value: float
    q_value: float
    detectable: float | None

    @property
    def rate(self) -> float | None:
        """Successes per trial; None without any."""
        return self.successes / self.trials if self.trials else None

    @property
    def difference(self) -> float | None:
        """Rate less reference; None where one of them is unknown."""
        return None if self.rate is None or self.reference is None else self.rate - self.reference


class PredictionOutcome(NamedTuple):
    """Predicted and observed outcomes of a target at a cut whose label window is over: sums over its users."""

    target: str
    cut: date
    until: date
    users: int
    came_true: int
    predicted: float
    """Sum of the predicted probabilities p."""
    variance: float
    """Sum of p (1 - p)."""


def first_day(as_of: date, params: MonitoringParams) -> date:
    """Return the first day whose transitions are counted."""
    return as_of - timedelta(days=params.rate_days + params.reference_days)


def compare_rates(
    daily: Mapping[date, Flows], *, as_of: date, goals: Collection[str], params: MonitoringParams
) -> list[Rate]:
    """Compare the transitions of the newest days before a cut with those of the days before them.

    Fisher's exact test, two-sided, with the false discovery rate held over the family of transitions. Moves count as
    independent of each other. The exact test errs on the side of silence where departures are few.

    Args:
        daily: day of the session's start -> (from_state, to_state) -> count, of all moves.
        as_of: the cut, exclusive.
        goals: states whose arrivals are monitored where `params.transitions` names none.
        params: days, family and false discovery rate.

    Returns:
        one entry per transition, by p, then by name.
    """
    begins = as_of - timedelta(days=params.rate_days)
    now = _sum_flows(flows for day, flows in daily.items() if begins <= day < as_of)
    before = _sum_flows(flows for day, flows in daily.items() if first_day(as_of, params) <= day < begins)
    often = choose_family(now, before, at_least=params.at_least)
    family = params.transitions or [pair for pair in often if pair[1] in goals]
    found = compare_flows(now, before, family=family, rate=params.false_discovery_rate)
    return [_of_difference(one, begins, as_of) for one in found]


def compare_outcomes(outcomes: Iterable[PredictionOutcome], *, rate: float) -> list[Rate]:
    """Compare predictions with what came of them, over all users of each target.

    If every probability is right, the number that comes true has mean sum(p) and variance sum(p (1 - p)); the test is
    its normal approximation (D. J. Spiegelhalter, 1986, Statistics in Medicine 5, 421-433, for the mean alone).
    Detectable is what the test finds 4 times in 5 at `rate`, were it the only one of the targets that is off.
    """
    asked = [one for one in outcomes if one.users]
    found = [_of_outcome(one, rate / len(asked)) for one in asked]
    return with_q_values(found)


def _sum_flows(days: Iterable[Flows]) -> dict[tuple[str, str], int]:
    total: dict[tuple[str, str], int] = {}
    for flows in days:
        for pair, n in flows.items():
            total[pair] = total.get(pair, 0) + n
    return total


def _of_difference(one: TransitionDifference, begins: date, ends: date) -> Rate:
    return Rate(
        scope=f"{TRANSITION}{one.from_state} -> {one.to_state}",
        from_date=begins,
        until_date=ends,
        successes=one.transitions_a,
        trials=one.departures_a,
        reference=one.transitions_b / one.departures_b if one.departures_b else None,
        reference_trials=one.departures_b,
        lower=one.lower,
        upper=one.upper,
        p_value=one.p_value,
        q_value=one.q_value,
        detectable=one.detectable,
    )


def _of_outcome(one: PredictionOutcome, alpha: float) -> Rate:
    expected, spread = one.predicted / one.users, math.sqrt(one.variance)
    apart = abs(one.came_true - one.predicted)
    p_value = float(2 * norm.sf(apart / spread)) if spread else float(apart == 0)
    lower, upper = wilson_interval(one.came_true, one.users)
    found = float(norm.ppf(1 - alpha / 2) + norm.ppf(POWER)) * spread / one.users
    return Rate(
        scope=CALIBRATION + one.target,
        from_date=one.cut,
        until_date=one.until,
        successes=one.came_true,
        trials=one.users,
        reference=expected,
        reference_trials=None,
        lower=lower - expected,
        upper=upper - expected,
        p_value=p_value,
        q_value=p_value,
        detectable=found,
    )
