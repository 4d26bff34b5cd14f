"""Do two groups move differently? A family of transitions declared beforehand, tested together. On the driver."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from scipy.optimize import brentq
from scipy.stats import fisher_exact
from scipy.stats import t as student

from segmentation.statistics import wilson_interval, with_q_values

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    Flows = Mapping[tuple[str, str], int]

NORMAL = NormalDist()
POWER = 0.8
"""Power at which a difference counts as detectable."""


@dataclass(frozen=True)
class TransitionDifference:
    """One transition in group a against group b."""

    from_state: str
    to_state: str
    transitions_a: int
    departures_a: int
    transitions_b: int
    departures_b: int
    difference: float | None
    """Rate of a less rate of b; null, with its interval: one of them never left the state."""
    lower: float | None
    upper: float | None
    """95 % interval of this difference alone (Newcombe)."""
    p_value: float
    """Fisher's exact test, two-sided; 1 where there is nothing to compare."""
    q_value: float
    """The least false discovery rate at which it is a finding (Benjamini-Hochberg over the family)."""
    detectable: float | None
    """Least absolute difference from b's rate that would have been found 4 times in 5; null: none would."""


def choose_family(a: Flows, b: Flows, *, at_least: int) -> tuple[tuple[str, str], ...]:
    """List the transitions made at least so often in both groups together, sorted.

    The choice looks at the sum of both groups only, so it does not favour transitions that differ (it is fixed by the
    margins on which Fisher's test is conditional).
    """
    return tuple(sorted(pair for pair in {*a, *b} if a.get(pair, 0) + b.get(pair, 0) >= at_least))


def compare_flows(
    a: Flows, b: Flows, *, family: Collection[tuple[str, str]], rate: float = 0.05
) -> list[TransitionDifference]:
    """Test every transition of a family for a difference of its rate between two groups.

    Moves count as independent of each other; those of one person are not quite, so p is somewhat too small where few
    people make most of the moves.

    Args:
        a: (from_state, to_state) -> count in the first group, of all transitions out of the states named.
        b: the same of the second, the reference.
        family: the transitions to test, declared before looking.
        rate: false discovery rate for which `detectable` is worked out.

    Returns:
        one entry per transition of the family, by p, then by name.

    Source: R. A. Fisher (1935); Y. Benjamini, Y. Hochberg (1995), Journal of the Royal Statistical Society B 57,
    289-300.
    """
    pairs = sorted(set(family))
    departures = _departures(a), _departures(b)
    found = [_compare((a, b), departures, pair, rate / len(pairs)) for pair in pairs]
    return sorted(with_q_values(found), key=lambda one: (one.p_value, one.from_state, one.to_state))


def power_to_find(*, reference: float, other: float, departures_a: int, departures_b: int, alpha: float) -> float:
    """Return the probability of finding a difference of two rates of known size by a two-sided test.

    Normal approximation with continuity correction, which is close to Fisher's exact test.

    Args:
        reference: rate in group b.
        other: rate in group a.
        departures_a: from the state, in group a.
        departures_b: from the state, in group b.
        alpha: level of the single test.

    Source: J. L. Fleiss, B. Levin, M. C. Paik (2003), Statistical Methods for Rates and Proportions, section 4.4,
    solved for power; J. T. Casagrande, M. C. Pike, P. G. Smith (1978), Biometrics 34, 483-486.
    """
    n_a, n_b = departures_a, departures_b
    gap = abs(other - reference) - 0.5 * (1 / n_a + 1 / n_b)
    pooled = (other * n_a + reference * n_b) / (n_a + n_b)
    null = math.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    spread = math.sqrt(other * (1 - other) / n_a + reference * (1 - reference) / n_b)
    reach = gap - NORMAL.inv_cdf(1 - alpha / 2) * null
    if spread == 0:
        return float(reach > 0)
    return NORMAL.cdf(reach / spread)


def detectable_difference(*, reference: float, departures_a: int, departures_b: int, alpha: float) -> float | None:
    """Return the least absolute difference from the reference rate that is found with :data:`POWER`.

    Upwards and downwards may differ: the larger of the two, so that what is larger would be seen either way; where one
    direction cannot be seen at all, the other.
    """
    if min(departures_a, departures_b) == 0:
        return None

    def short_of(other: float) -> float:
        return POWER - power_to_find(
            reference=reference, other=other, departures_a=departures_a, departures_b=departures_b, alpha=alpha
        )

    ends = [end for end in (0.0, 1.0) if short_of(reference) > 0 >= short_of(end)]
    return max((abs(brentq(short_of, reference, end) - reference) for end in ends), default=None)


@dataclass(frozen=True)
class RateRatio:
    """Traffic of some days against that of others."""

    ratio: float
    lower: float
    upper: float
    p_value: float
    dispersion: float
    """Variance of a day's count over its mean; 1 in a Poisson process."""
    power_to_double: float
    """Probability that twice the traffic would have been found at the level of 5 %."""


def compare_daily_counts(a: Sequence[int], b: Sequence[int]) -> RateRatio:
    """Compare counts per day (of sessions, of visits of a state) between two sets of days.

    Quasi-Poisson: days are independent, their variance is a multiple of their mean, which the days themselves tell.
    The ratio is tested on the log scale with t on (days - 2) degrees of freedom.

    Args:
        a: counts of the days in question, those without any included.
        b: counts of the reference days.

    Raises:
        ValueError: a side has no counts above 0, or both together fewer than 3 days.

    Source: P. McCullagh, J. A. Nelder (1989), Generalized Linear Models, sections 6.2 and 9.2.
    """
    total_a, total_b, freedom = sum(a), sum(b), len(a) + len(b) - 2
    if not total_a or not total_b or freedom < 1:
        raise ValueError("both sides need counts, and there must be 3 days at least")
    mean_a, mean_b = total_a / len(a), total_b / len(b)
    pearson = sum((n - mean_a) ** 2 / mean_a for n in a) + sum((n - mean_b) ** 2 / mean_b for n in b)
    dispersion = max(1.0, pearson / freedom)  # never below Poisson: a few even days are luck
    error = math.sqrt(dispersion * (1 / total_a + 1 / total_b))
    ratio, bound = math.log(mean_a / mean_b), float(student.ppf(0.975, freedom))
    doubled = math.sqrt(dispersion * (1 / (2 * mean_b * len(a)) + 1 / total_b))
    return RateRatio(
        ratio=math.exp(ratio),
        lower=math.exp(ratio - bound * error),
        upper=math.exp(ratio + bound * error),
        p_value=float(2 * student.sf(abs(ratio) / error, freedom)),
        dispersion=dispersion,
        power_to_double=float(student.sf(bound - math.log(2) / doubled, freedom)),
    )


def _departures(flows: Flows) -> Counter[str]:
    left: Counter[str] = Counter()
    for (state, _), n in flows.items():
        left[state] += n
    return left


def _compare(
    flows: tuple[Flows, Flows], departures: tuple[Counter[str], Counter[str]], pair: tuple[str, str], alpha: float
) -> TransitionDifference:
    n_a, n_b = (of_one.get(pair, 0) for of_one in flows)
    departures_a, departures_b = (of_one[pair[0]] for of_one in departures)
    shown: tuple[float | None, float | None, float | None] = (None, None, None)
    detectable = None
    if departures_a and departures_b:
        shown = newcombe_interval(n_a, departures_a, n_b, departures_b)
        detectable = detectable_difference(
            reference=n_b / departures_b, departures_a=departures_a, departures_b=departures_b, alpha=alpha
        )
    table = [[n_a, departures_a - n_a], [n_b, departures_b - n_b]]
    p_value = min(1.0, float(fisher_exact(table)[1]))
    return TransitionDifference(*pair, n_a, departures_a, n_b, departures_b, *shown, p_value, p_value, detectable)


def newcombe_interval(n_a: int, total_a: int, n_b: int, total_b: int) -> tuple[float, float, float]:
    """Return the difference of two proportions with its 95 % interval from their Wilson intervals.

    Source: R. G. Newcombe (1998), Interval estimation for the difference between independent proportions, Statistics in
    Medicine 17, 873-890, method 10.
    """
    a, b = n_a / total_a, n_b / total_b
    (low_a, high_a), (low_b, high_b) = wilson_interval(n_a, total_a), wilson_interval(n_b, total_b)
    below, above = math.hypot(a - low_a, high_b - b), math.hypot(high_a - a, b - low_b)
    return a - b, a - b - below, a - b + above
