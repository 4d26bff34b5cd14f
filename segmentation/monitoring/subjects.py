"""Choose the features, scores and segments that are compared between cuts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RECENCY = "days_since_last_event"
_WINDOW = re.compile(r"_(\d+)d$")


def choose_features(
    read: Iterable[str], *, given: Sequence[str], history_days: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose the features to compare.

    Features of all time grow with the users' history and so always differ from cut to cut: unless they are given, only
    those of a window are compared, and the days since the last event. A window that reaches back beyond the first event
    at the earlier cut grows likewise, even if it is named.

    Args:
        read: features that the models in use read.
        given: features asked for; none: choose from `read`.
        history_days: days of events before the earlier cut.

    Returns:
        features to compare and features whose window is longer than the history, by name.
    """
    wanted = sorted(given or (name for name in read if _WINDOW.search(name) or name == RECENCY))
    young = tuple(name for name in wanted if _days(name) > history_days)
    return tuple(name for name in wanted if name not in young), young


def propensity_column(target: str) -> str:
    """Return the column that holds a target's prediction beside the features."""
    return f"propensity:{target}"


def _days(name: str) -> int:
    window = _WINDOW.search(name)
    return int(window[1]) if window else 0
