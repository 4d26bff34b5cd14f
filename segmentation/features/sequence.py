"""Features of progress in funnels and of turning back; computed from events, only if configured.

The funnels are those of conf/funnels that `features.funnels` names: of an ordered or strict funnel the furthest attempt
begun in the window counts, which must keep the funnel's own window. Loops (`features.loops`) are steps a, b, a within a
session. Steps are those of conf/states.yaml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import Feature, Window, both, literal, ratio, total, windows_of
from segmentation.features.inputs import ATTEMPTS, LOOPS
from segmentation.tables.table import COUNT

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features; none where neither funnels nor loops are configured."""
    return tuple(
        feature
        for w in windows_of(params)
        for feature in (*(_furthest(name, w) for name in params.funnels), *((_loops(w),) if params.loops else ()))
    )


def _furthest(name: str, w: Window) -> Feature:
    inside = both(w.holds(), f"funnel = {literal(name)}")
    return Feature(
        f"funnel_{name}_steps_count_{w}",
        "steps",
        f"steps of funnel '{name}' that the furthest attempt begun {w.text} took: 0 = not even the first",
        f"max(if({inside}, depth, 0))",
        w,
        source=ATTEMPTS,
        type=COUNT,
    )


def _loops(w: Window) -> Feature:
    return Feature(
        f"loop_steps_share_{w}",
        "share",
        f"share of steps that go back to the state before the last (a, b, a), among those with two steps before them, "
        f"in the sessions begun {w.text}",
        ratio(total("loops", w), total("third_steps", w)),
        w,
        "no session with three steps in the window",
        source=LOOPS,
    )
