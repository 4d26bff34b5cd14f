"""Analyse a small matrix of flows as a Markov chain: way to a goal, and memory. On the driver, for tens of states."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from numpy.typing import NDArray

    Flows = Mapping[tuple[str, str], float]
    Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Outlook:
    """Expected way to the goal from a state on, in a chain of first order."""

    goal_probability: float
    """Probability of ever reaching the goal."""
    expected_steps: float | None
    """Mean number of transitions until the goal or the end; null: there are ways on which neither comes."""
    steps_to_goal: float | None
    """The same for those who reach the goal; null: no path reaches it."""


def substitution_costs(flows: Flows) -> dict[tuple[str, str], float]:
    """Return TRATE costs between states: 2 - p(j|i) - p(i|j), 0 of a state with itself.

    Rates are among the flows given: leave START and EXIT out, as the published definition does. A state that is never
    left has rates of 0.

    Source: A. Gabadinho, G. Ritschard, N. S. Müller, M. Studer (2011), Analyzing and visualizing state sequences in R
    with TraMineR, Journal of Statistical Software 40(4), section 4.3.
    """
    states = sorted({state for pair in flows for state in pair})
    rates = _rates(flows, states)
    costs = 2 - rates - rates.T
    np.fill_diagonal(costs, 0.0)
    return {(a, b): float(costs[i, j]) for i, a in enumerate(states) for j, b in enumerate(states)}


def outlooks(flows: Flows, *, goals: Collection[str], end: str) -> dict[str, Outlook]:
    """Work out, from every state, the probability of the goal and the steps it takes, as an absorbing chain.

    Goals and `end` absorb: what happens after them is not looked at. The probability is the least non-negative
    solution of h = Rh + Q h (Norris, theorem 1.3.2), so a state from which no goal can be reached has 0, whether the
    session ends there or goes round for ever. Expected steps exist only where, whatever way is taken, the end can still
    be reached (theorem 1.3.5); steps of those who reach the goal are the mean under the chain conditioned on it,
    m / h with m = h + Qm.

    Args:
        flows: (from_state, to_state) -> count or weight.
        goals: states that are the goal.
        end: the state in which every other session ends.

    Source: J. R. Norris (1997), Markov Chains, chapter 1.3; J. G. Kemeny, J. L. Snell (1960), Finite Markov Chains,
    chapter 3.
    """
    states = sorted({state for (a, b), n in flows.items() if n > 0 for state in (a, b)} | {*goals, end})
    rates = _rates(flows, states)
    absorbing = np.array([state in goals or state == end for state in states])
    is_goal = np.array([state in goals for state in states])
    rates[absorbing] = 0.0
    reach_goal, reach_end = _reaching(rates, is_goal), _reaching(rates, absorbing)
    probability = _solve(rates, reach_goal & ~absorbing, rates @ is_goal.astype(float)) + is_goal
    to_goal = _solve(rates, reach_goal & ~absorbing, probability)
    finite = ~_reaching(rates, ~reach_end)
    steps = _solve(rates, finite & ~absorbing, np.ones(len(states)))
    return {
        state: Outlook(
            # rounding of the solution must not leave [0, 1]
            goal_probability=float(min(1.0, max(0.0, probability[i]))),
            expected_steps=float(steps[i]) if finite[i] else None,
            steps_to_goal=(0.0 if is_goal[i] else float(to_goal[i] / probability[i])) if probability[i] > 0 else None,
        )
        for i, state in enumerate(states)
    }


@dataclass(frozen=True)
class OrderTest:
    """Whether the state before matters for where people go next, beyond the state they are in."""

    statistic: float
    """Likelihood ratio G squared of second against first order."""
    degrees_of_freedom: int
    p_value: float | None
    """Null: no state has two states before and two after, so nothing can be tested."""
    bic_gain: float
    """G squared less degrees of freedom times ln of the moves: above 0 the second order describes the sequences better
    (BIC), which with many sessions is the question to ask: a tiny p says only that there are many."""
    sparse_share: float
    """Share of the cells in the test with fewer than 5 expected: where it is large the p-value is rough."""


def compare_orders(triples: Mapping[tuple[str, str, str], int]) -> OrderTest:
    """Test a chain of first order against one of second order by their likelihoods.

    G^2 = 2 sum n(ijk) ln[ n(ijk) n(.j.) / (n(ij.) n(.jk)) ]. Degrees of freedom are those of the cells that could have
    been observed: per state j, (states observed before j - 1) x (states observed after j - 1).

    Args:
        triples: (before, state, after) -> count.

    Source: T. W. Anderson, L. A. Goodman (1957), Statistical inference about Markov chains, Annals of Mathematical
    Statistics 28, 89-110; Y. M. M. Bishop, S. E. Fienberg, P. W. Holland (1975), Discrete Multivariate Analysis,
    sections 7.3 and 3.8 (empty margins take their degrees of freedom with them).
    """
    into: Counter[tuple[str, str]] = Counter()
    out: Counter[tuple[str, str]] = Counter()
    visits: Counter[str] = Counter()
    for (before, state, after), n in triples.items():
        if n > 0:
            into[before, state] += n
            out[state, after] += n
            visits[state] += n
    befores, afters = _partners((j, i) for i, j in into), _partners(out)
    observed = {cell: n for cell, n in triples.items() if n > 0}
    parts = (n * math.log(n * visits[j] / (into[i, j] * out[j, k])) for (i, j, k), n in sorted(observed.items()))
    statistic = max(0.0, 2 * math.fsum(parts))
    freedom = sum((len(befores[j]) - 1) * (len(afters[j]) - 1) for j in visits)
    expected = [into[i, j] * out[j, k] / visits[j] for j in visits for i in befores[j] for k in afters[j]]
    return OrderTest(
        statistic=statistic,
        degrees_of_freedom=freedom,
        p_value=float(chi2.sf(statistic, freedom)) if freedom else None,
        bic_gain=statistic - freedom * math.log(sum(visits.values())) if visits else 0.0,
        sparse_share=sum(e < _ENOUGH for e in expected) / len(expected) if expected else 0.0,
    )


_ENOUGH = 5
"""Expected count of a cell from which chi-square approximates well (Cochran 1954)."""


def _partners(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for state, partner in pairs:
        found[state].add(partner)
    return found


def _rates(flows: Flows, states: list[str]) -> Matrix:
    """Return the rates of the flows as a matrix; the row of a state that is never left is 0."""
    number = {state: i for i, state in enumerate(states)}
    counts = np.zeros((len(states), len(states)))
    for (from_state, to_state), n in flows.items():
        counts[number[from_state], number[to_state]] += float(n)
    departures = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, departures, out=np.zeros_like(counts), where=departures > 0)


def _reaching(rates: Matrix, targets: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the states from which one of the targets can be reached, they themselves included."""
    reached = targets.copy()
    while True:
        grown = reached | ((rates > 0) @ reached.astype(float) > 0)
        if (grown == reached).all():
            return reached
        reached = grown


def _solve(rates: Matrix, among: NDArray[np.bool_], right: Matrix) -> Matrix:
    """Solve x = right + Qx on some states that can leave themselves; x is 0 elsewhere."""
    solution = np.zeros(len(rates))
    inner = rates[np.ix_(among, among)]
    solution[among] = np.linalg.solve(np.eye(len(inner)) - inner, right[among])
    return solution
