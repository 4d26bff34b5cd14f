"""Choose the cuts of predictions, and their label windows, which must be over before they are used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from segmentation.errors import UntrainableError

if TYPE_CHECKING:
    from segmentation.models.params import PropensityParams

LABEL = "label"
"""Column of what came true: 1.0 or 0.0."""


@dataclass(frozen=True)
class LabelWindow:
    """The days [cut + gap, cut + gap + horizon) in which a prediction made at a cut comes true or not."""

    gap_days: int
    """Days between the cut and the window: the time that acting on a score takes."""
    horizon_days: int

    def opens(self, cut: date) -> date:
        """Return the first day of the window."""
        return cut + timedelta(days=self.gap_days)

    def closes(self, cut: date) -> date:
        """Return the first day after the window."""
        return self.opens(cut) + timedelta(days=self.horizon_days)


@dataclass(frozen=True)
class History:
    """First and last day of the events of a lake at a cut."""

    first: date
    """Day of the earliest event."""
    last: date
    """Day of the latest event."""
    has_late_events: bool = False
    """Whether any event was received after it had happened: then more may still come for a day that is over."""


@dataclass(frozen=True)
class Cuts:
    """Cuts for training and evaluation, oldest first."""

    training: tuple[date, ...]
    evaluation: date

    @property
    def all(self) -> tuple[date, ...]:
        """All of them, oldest first."""
        return (*self.training, self.evaluation)


def choose_cuts(
    window: LabelWindow, *, as_of: date, history: History, maturity_days: int, params: PropensityParams
) -> Cuts | None:
    """Choose the earlier cuts whose predictions can be checked by now: some to train on, a later one to measure.

    Every label window is over by the end of the data and has been for `maturity_days` at `as_of`; the windows of the
    training cuts are over by the next cut, so that nothing that is validated or measured was learnt from.

    Args:
        window: the target's.
        as_of: the cut that training is for.
        history: of the events known at `as_of`.
        maturity_days: how long after a window more of its events may come in.
        params: how many cuts, and how much history the earlier of them need.

    Returns:
        None where the history is too short for one training cut and one evaluation cut (:func:`too_short`).
    """
    end = min(as_of - timedelta(days=maturity_days), history.last + timedelta(days=1))
    step = timedelta(days=window.gap_days + window.horizon_days)
    evaluation = end - step
    training = [evaluation - step * (i + 1) for i in range(params.training_cuts)]
    enough = history.first + timedelta(days=params.min_history_days)
    kept = tuple(sorted(cut for i, cut in enumerate(training) if cut >= enough or (i == 0 and cut > history.first)))
    return Cuts(kept, evaluation) if kept else None


def too_short(
    target: str, window: LabelWindow, *, as_of: date, history: History, maturity_days: int
) -> UntrainableError:
    """Say that there are no cuts, and what to do."""
    days = window.gap_days + window.horizon_days
    return UntrainableError(
        f"propensity '{target}': the history from {history.first} to {history.last} is too short as of {as_of}: it "
        f"must hold two label windows of {days} days each, {maturity_days} days in which they ripen, and some days "
        f"before them; lower propensity.horizon_days (or horizon_days of conf/targets/{target}.yaml), or choose a "
        f"later --as-of"
    )


def maturity_of(history: History, *, allowed_lateness_days: int, params: PropensityParams) -> int:
    """Return how many days after a label window its labels are ripe: as configured, else the bound on lateness.

    Where every event is received as it happens (nothing else is mapped), nothing can come late.
    """
    if params.maturity_days is not None:
        return params.maturity_days
    return allowed_lateness_days if history.has_late_events else 0
