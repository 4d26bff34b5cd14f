"""Features of session duration; unknown durations are imputed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import Feature, Window, both, ratio, total, windows_of
from segmentation.tables import SESSIONS

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

KNOWN = "duration_ms IS NOT NULL"


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return tuple(_duration(window) for window in windows_of(params))


def _duration(w: Window) -> Feature:
    return Feature(
        f"session_duration_mean_s_{w}",
        "seconds",
        f"mean duration of the sessions begun {w.text}; an unknown one counts as its platform's median "
        "at the cut, capped sessions are left out",
        ratio(total("duration_ms", w, KNOWN), f"count_if({both(w.holds(), KNOWN)}) * 1000"),
        w,
        "no session with a known or imputed duration began in the window",
        source=SESSIONS.name,
    )
