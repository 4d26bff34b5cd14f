"""How long a user's sessions last, unknown durations imputed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.features.feature import Feature, Window, ratio, total, windows_of
from segmentation.tables.sessions import SESSIONS

if TYPE_CHECKING:
    from pyspark.sql import Column

    from segmentation.features.params import FeatureParams


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return tuple(_duration(window) for window in windows_of(params))


def _duration(w: Window) -> Feature:
    return Feature(
        f"session_duration_mean_s_{w}",
        "seconds",
        f"mean duration of the sessions begun {w.text}; an unknown one counts as its platform's median at the "
        "cut, capped sessions are left out",
        lambda: _mean(w),
        w,
        "no session with a known or imputed duration began in the window",
        source=SESSIONS.name,
    )


def _mean(w: Window) -> Column:
    known = F.count_if(w.holds() & F.col("duration_ms").isNotNull())
    return ratio(total("duration_ms", w), known * 1000)
