"""Features of the outcome of sessions: bounces, conversions and loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import Feature, Window, both, items_total, literal, ratio, windows_of
from segmentation.tables import EXIT, SESSIONS, START, STEP_SEPARATOR
from segmentation.tables.items import ITEM_COUNTS, TRANSITION

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

SEPARATOR = literal(STEP_SEPARATOR)
BEFORE, AFTER = (f"split_part(item, {SEPARATOR}, {part})" for part in (1, 2))
BETWEEN_EVENTS = f"{BEFORE} != '{START}' AND {AFTER} != '{EXIT}'"


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return tuple(
        feature
        for w in windows_of(params)
        for feature in (
            _share_of_sessions("bounced", f"of one event, among the sessions begun {w.text}", "events = 1", w),
            _share_of_sessions("converting", f"with a purchase, among the sessions begun {w.text}", "converted", w),
            _repeats(w),
        )
    )


def _share_of_sessions(name: str, which: str, condition: str, w: Window) -> Feature:
    return Feature(
        f"{name}_sessions_share_{w}",
        "share",
        f"share of sessions {which}; capped sessions are left out",
        ratio(f"count_if({both(w.holds(), condition)})", f"count_if({w.holds()})"),
        w,
        "no session began in the window",
        source=SESSIONS.name,
    )


def _repeats(w: Window) -> Feature:
    same = f"{BETWEEN_EVENTS} AND {BEFORE} = {AFTER}"
    return Feature(
        f"repeated_state_share_{w}",
        "share",
        f"share of the steps from one event to the next within a session {w.text} that stay in the same state",
        ratio(items_total(TRANSITION, w, same), items_total(TRANSITION, w, BETWEEN_EVENTS)),
        w,
        "no session with two events in the window",
        source=ITEM_COUNTS,
    )
