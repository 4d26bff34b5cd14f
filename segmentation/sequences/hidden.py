"""Hidden Markov models of sequences of small whole numbers: fit on a driver's sample, choice by BIC, decoding.

L. R. Rabiner (1989), A tutorial on hidden Markov models and selected applications in speech recognition, Proceedings of
the IEEE 77(2). hmmlearn does the work; here is what makes its result the same every time, and readable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from hmmlearn.hmm import CategoricalHMM
from scipy.stats import binom

from segmentation.parameters import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Row = tuple[float, ...]

PRIOR = 1.01
"""Dirichlet priors of all shares: a hundredth of an observation keeps possible what the sample happens not to show."""
ITERATIONS, TOLERANCE = 200, 1e-3
"""Of expectation-maximisation: at most, and the gain in log-likelihood below which it has arrived."""
STAY = 0.8
"""Share that stays in its state at the start of the search."""


@dataclass(frozen=True)
class HiddenStates:
    """A fitted model. State 0 has the least mean, the last state the greatest."""

    start: Row
    """Share of sequences that begin in each state."""
    moves: tuple[Row, ...]
    """From each state, the share of steps that lead to each state."""
    emissions: tuple[Row, ...]
    """In each state, the share of the numbers 0, 1, ..."""
    log_likelihood: float
    bics: Row
    """Of the models with 1, 2, ... states that were tried; the least decided."""
    sequences: int
    observations: int

    @property
    def means(self) -> Row:
        """The mean number in each state."""
        return tuple(float(np.dot(range(len(row)), row)) for row in self.emissions)

    @property
    def version(self) -> str:
        """Fingerprint of what decodes sequences."""
        return fingerprint_of([self.start, self.moves, self.emissions])


class Decoded(NamedTuple):
    """The states of one sequence."""

    states: NDArray[np.intp]
    """The likeliest states as a whole (Viterbi)."""
    certainty: NDArray[np.float64]
    """Of every step, the probability of that state given the whole sequence (forward-backward)."""


def choose_states(sequences: Sequence[Sequence[int]], *, most: int, greatest: int) -> HiddenStates:
    """Fit models with 1, 2, ... states and keep that with the least BIC; of equal ones the smaller.

    BIC = -2 ln L + p ln n with n the observations and p the free shares: states - 1 of beginnings,
    states x (states - 1) of moves, states x greatest of numbers.

    Args:
        sequences: at least one, none empty, in a fixed order: sums of reals are those of one order.
        most: states at most.
        greatest: the greatest number that may come; numbers are 0 to `greatest`.

    Source: G. Schwarz (1978), Estimating the dimension of a model, Annals of Statistics 6(2), 461-464.
    """
    joined, lengths = _joined(sequences)
    fits = [_fit(joined, lengths, states=states, greatest=greatest) for states in range(1, most + 1)]
    bics = tuple(float(fit.bic(joined, lengths)) for fit in fits)
    best = fits[int(np.argmin(bics))]
    order = np.argsort(best.emissionprob_ @ np.arange(greatest + 1), kind="stable")
    return HiddenStates(
        start=_row(best.startprob_[order]),
        moves=tuple(_row(row) for row in best.transmat_[np.ix_(order, order)]),
        emissions=tuple(_row(row) for row in best.emissionprob_[order]),
        log_likelihood=float(best.score(joined, lengths)),
        bics=bics,
        sequences=len(lengths),
        observations=len(joined),
    )


def decode(model: HiddenStates, sequences: Sequence[Sequence[int]]) -> list[Decoded]:
    """Decode sequences, each by itself.

    Args:
        model: the states.
        sequences: none empty; numbers within those that the model knows.

    Source: A. J. Viterbi (1967), IEEE Transactions on Information Theory 13(2), 260-269.
    """
    if not sequences:
        return []
    joined, lengths = _joined(sequences)
    machine = _machine(model.start, model.moves, model.emissions)
    _, states = machine.decode(joined, lengths, algorithm="viterbi")
    certainty = machine.predict_proba(joined, lengths)[np.arange(len(joined)), states]
    ends = np.cumsum(lengths)[:-1]
    return [Decoded(*parts) for parts in zip(np.split(states, ends), np.split(certainty, ends), strict=True)]


def _fit(joined: NDArray[np.intp], lengths: list[int], *, states: int, greatest: int) -> CategoricalHMM:
    """Fit from one start, without chance: states spread evenly over the numbers, each lasting a while."""
    spread = [binom.pmf(range(greatest + 1), greatest, (state + 0.5) / states) for state in range(states)]
    rest = (1 - STAY) / max(1, states - 1)
    moves = np.full((states, states), rest) + (STAY - rest) * np.eye(states) if states > 1 else np.ones((1, 1))
    even = np.full(greatest + 1, 1 / (greatest + 1))
    machine = _machine(np.full(states, 1 / states), moves, [0.9 * row + 0.1 * even for row in spread])
    return machine.fit(joined, lengths)


def _machine(start: ArrayLike, moves: ArrayLike, emissions: ArrayLike) -> CategoricalHMM:
    start, moves, emissions = map(np.asarray, (start, moves, emissions))
    machine = CategoricalHMM(
        n_components=len(start),
        n_features=emissions.shape[1],
        n_iter=ITERATIONS,
        tol=TOLERANCE,
        init_params="",
        implementation="scaling",
        startprob_prior=PRIOR,
        transmat_prior=PRIOR,
        emissionprob_prior=PRIOR,
    )
    machine.startprob_, machine.transmat_, machine.emissionprob_ = start, moves, emissions
    return machine


def _joined(sequences: Sequence[Sequence[int]]) -> tuple[NDArray[np.intp], list[int]]:
    """Lay sequences end to end in one column, as hmmlearn takes them, with their lengths."""
    return np.concatenate([np.asarray(one, dtype=np.intp) for one in sequences])[:, None], [len(s) for s in sequences]


def _row(values: NDArray[np.float64]) -> Row:
    return tuple(map(float, values))
