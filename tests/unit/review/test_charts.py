"""Charts: flows add up, names are harmless, and every colour is one of the theme's."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import pytest

from segmentation.review.charts.analyses import draw_funnel, draw_lost_conversions
from segmentation.review.charts.base import wrap_label
from segmentation.review.charts.features import draw_changes, draw_histograms, draw_missing
from segmentation.review.charts.health import draw_checks, draw_ledger, draw_reasons
from segmentation.review.charts.journeys import draw_drop_off, draw_flows, draw_transitions
from segmentation.review.charts.lifecycle import KINDS, draw_lifecycle, draw_retention
from segmentation.review.charts.lines import Line, draw_counts, draw_indices, draw_lines, draw_multiples
from segmentation.review.charts.maps import draw_map, draw_moves
from segmentation.review.charts.models import draw_by_k, draw_gains, draw_intervals
from segmentation.review.charts.monitoring import draw_drift, draw_rates
from segmentation.review.charts.segments import (
    draw_calibration,
    draw_crossing,
    draw_engagement,
    draw_profiles,
    draw_scores,
    draw_sizes,
)
from segmentation.review.charts.sessions import draw_quality, draw_sessions
from segmentation.review.theme import DARK, LIGHT, resolve
from segmentation.sequences.paths import OTHER

SCRIPT = "<script>alert(1)</script>"
TWINS = ["a very long name of a page that is shortened, one", "a very long name of a page that is shortened, two"]


def flow(step: int, from_state: str, to_state: str | None, sessions: int) -> dict:
    return {"step": step, "from_state": from_state, "to_state": to_state, "sessions": sessions}


def rate(from_state: str, to_state: str, transitions: int, departures: int) -> dict:
    value = transitions / departures
    return {
        "from_state": from_state,
        "to_state": to_state,
        "transitions": transitions,
        "departures": departures,
        "rate": value,
        "rate_lower": value / 2,
        "rate_upper": (1 + value) / 2,
    }


FLOWS = [
    flow(1, "home", SCRIPT, 6),
    flow(1, "home", None, 3),
    flow(1, SCRIPT, "home", 1),
    flow(2, SCRIPT, OTHER, 4),
    flow(2, SCRIPT, None, 2),
    flow(2, "home", None, 1),
]
RATES = [
    rate("START", TWINS[0], 9, 10),
    rate("START", OTHER, 1, 10),
    rate(TWINS[0], TWINS[1], 3, 9),
    rate(TWINS[0], "EXIT", 6, 9),
    rate(TWINS[1], "EXIT", 3, 3),
    rate(OTHER, "EXIT", 1, 1),
]


@cache
def figures() -> dict:
    segment = {"segment_id": "s1", "segment_name": SCRIPT}
    cell = {"feature": "value_sum_30d", "segment_mean": 3.0, "overall_mean": 1.0, "effect_size": 1.2}
    period = [
        {
            "period": date(2024, 1, 1) + timedelta(days=i),
            "sessions": 4,
            "converted": 1,
            "unknown": 2,
            "median_s": None if i else 90,
        }
        for i in range(3)
    ]
    score = {"lower": 0.1, "median": 0.2, "upper": 0.3, "lowest": 0.0, "highest": 0.9, "mean": 0.25, **segment}
    funnel_share = {"share_of_first": 0.5, "share_of_first_lower": 0.2, "share_of_first_upper": 0.8}
    lost = {"lost_conversions": 2.0, "lost_conversions_lower": 1.0, "lost_conversions_upper": 2.5}
    kept = {"cohort": date(2024, 1, 1), "users": 4, "active": 2, "share": 0.5}
    feature = {"feature": SCRIPT, "psi": 0.3, "psi_noise": 0.1, "status": "shifted", "nulls_share": 0.2}
    feature |= {"bin_edges": [0.0, 1.0, 2.0], "bin_counts": [3, 1]}
    ledger = {
        "source": SCRIPT,
        "read": 10,
        "accepted": 8,
        "duplicate": 1,
        "quarantined": 1,
        "unparsable": 0,
        "excluded": 0,
    }
    drift = {"name": SCRIPT, "psi": 0.3, "psi_mix": None, "psi_within": 0.1}
    watched = {"name": SCRIPT, "difference": -0.1, "difference_lower": -0.2, "difference_upper": 0.0}
    line = Line(SCRIPT, [date(2024, 1, 1), date(2024, 2, 1)], [0.1, 0.2], ["10 %", "20 %"])
    return {
        "map": draw_map([segment], [{"segment_id": "s1", "x": 0.1, "y": 0.2}], (f"more {SCRIPT}; less b", "more c")),
        "moves": draw_moves([SCRIPT], [SCRIPT, "b"], [[3, 1]]),
        "lines": draw_lines([line]),
        "multiples": draw_multiples({SCRIPT: [line]}),
        "counts": draw_counts([date(2024, 1, 1)], {SCRIPT: [2]}),
        "indices": draw_indices([SCRIPT], [date(2024, 1, 1)], {(SCRIPT, date(2024, 1, 1)): 0.3}),
        "by_k": draw_by_k([{"k": 2, SCRIPT: 0.5, "without clusters": 0.4}], "silhouette"),
        "gains": draw_gains({SCRIPT: [{"share": 0.1, "captured": 0.2}]}),
        "intervals": draw_intervals([{"value": 1.0, "lower": 0.5, "upper": 2.0}], title="better by", names=[SCRIPT]),
        "drift": draw_drift([{**drift, "status": status} for status in ("breach", "ok", "info")]),
        "rates": draw_rates([{**watched, "status": "breach"}, {**watched, "difference": None, "status": "ok"}]),
        "engagement": draw_engagement([segment], [{"segment_id": "s1", "week": date(2024, 1, 1), "active_share": 0.5}]),
        "ledger": draw_ledger([ledger]),
        "reasons": draw_reasons([{"source": "shop", "reason": SCRIPT, "records": 2}]),
        "checks": draw_checks([{"source": SCRIPT, "status": "failed"}, {"source": "shop", "status": "passed"}]),
        "sessions": draw_sessions([{"period": date(2024, 1, 1), "platform": SCRIPT, "sessions": 2}], [SCRIPT]),
        "quality": draw_quality(period),
        "transitions": draw_transitions(RATES, TWINS),
        "drop_off": draw_drop_off(
            [{"state": SCRIPT, "visits": 9, "drop_off": 0.5, "drop_off_lower": 0.2, "drop_off_upper": 0.8}]
        ),
        "flows": draw_flows(FLOWS),
        "funnel": draw_funnel([{"step": 1, "states": [SCRIPT, "cart"], "reached": 9, **funnel_share}]),
        "lost": draw_lost_conversions([{"state": SCRIPT, "reached": 9, "left": 3, **lost}]),
        "lifecycle": draw_lifecycle([{"period": date(2024, 1, 1), **dict.fromkeys(KINDS, 3)}]),
        "retention": draw_retention([{**kept, "periods_later": n} for n in (0, 1)], unit="week"),
        "changes": draw_changes([feature]),
        "missing": draw_missing([feature]),
        "histograms": draw_histograms([feature]),
        "sizes": draw_sizes([SCRIPT], [3], total=4),
        "profiles": draw_profiles([segment], ["value_sum_30d"], {("value_sum_30d", "s1"): cell}),
        "crossing": draw_crossing(["new"], [segment], [{"rule": "new", "segment_id": "s1", "users": 2}]),
        "scores": draw_scores([score]),
        "calibration": draw_calibration(
            {SCRIPT: [{"predicted": 0.1, "observed": 0.2, "users": 9, "lower": 0.1, "upper": 0.4}]}
        ),
    }


def test_a_heading_of_a_column_is_two_lines_at_most_and_no_markup() -> None:
    assert wrap_label("rarely buying, active customers") == "rarely buying,<br>active customers"
    assert wrap_label("one two three four five six seven eight nine ten").count("<br>") == 1
    assert "<script" not in wrap_label(SCRIPT)
    assert len(wrap_label("x" * 10_000)) < 60


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("name", sorted(figures()))
def test_no_chart_carries_markup_from_data_or_a_colour_that_a_theme_lacks(name: str) -> None:
    written = figures()[name].to_plotly_json()
    for colours in (LIGHT, DARK):
        shown = strings(resolve(written, colours))  # a colour that is missing raises
        assert not [text for text in shown if "<script" in text or "var(--" in text]


def test_both_themes_have_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()


def test_every_node_of_the_flow_receives_what_it_passes_on() -> None:
    sankey = draw_flows(FLOWS).data[0]
    into, out = [0] * len(sankey.node.label), [0] * len(sankey.node.label)
    for source, target, value in zip(sankey.link.source, sankey.link.target, sankey.link.value, strict=True):
        out[source] += value
        into[target] += value
    inner = [i for i in range(len(into)) if into[i] and out[i]]
    assert inner
    assert [into[i] for i in inner] == [out[i] for i in inner]
    assert sum(out[i] for i in range(len(out)) if not into[i]) == 10
    assert sum(into[i] for i in range(len(into)) if not out[i]) == 10


def test_nodes_of_a_step_do_not_overlap_and_the_leavers_stand_last() -> None:
    sankey = draw_flows(FLOWS).data[0]
    columns: dict[float, list[tuple[float, str]]] = {}
    for x, y, label in zip(sankey.node.x, sankey.node.y, sankey.node.label, strict=True):
        columns.setdefault(x, []).append((y, label))
    assert [y for column in columns.values() for y, _ in column if not 0 < y < 1] == []
    assert [column for column in columns.values() if column != sorted(column)] == []
    assert [column[-1][1] for column in columns.values()][1:] == ["left", "left"]


def test_names_that_shorten_alike_stay_two_rows() -> None:
    heat = draw_transitions(RATES, TWINS)
    rows = heat.layout.yaxis.ticktext
    assert rows[1] == rows[2]
    assert list(heat.layout.yaxis.tickvals) == [0, 1, 2, 3]
    z = heat.data[0].z
    assert (z[1][1], z[1][3], z[2][3]) == (3 / 9, 6 / 9, 1.0)
    assert z[2][1] is None


def test_a_heat_map_row_adds_up_to_one() -> None:
    heat = draw_transitions(RATES, TWINS)
    assert [pytest.approx(1.0) == sum(cell or 0 for cell in row) for row in heat.data[0].z] == [True] * 4
