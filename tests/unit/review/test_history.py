"""Segments over cuts, who went where, and the map: what is drawn is what the records say."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.decomposition import PCA

from segmentation.review.charts.lines import Line, draw_counts, draw_indices, draw_lines, draw_multiples
from segmentation.review.charts.maps import draw_moves
from segmentation.review.sections.history import describe_growth, trace_segments
from segmentation.review.sections.migration import order_segments
from segmentation.review.sections.segment_map import place_users

CUTS = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]


def test_a_segment_is_followed_over_cuts_and_its_absence_is_a_gap() -> None:
    records = [
        {"segment_id": "a", "as_of": CUTS[0], "share": 0.3},
        {"segment_id": "a", "as_of": CUTS[2], "share": 0.36},
        {"segment_id": "b", "as_of": CUTS[0], "share": 0.7},
        {"segment_id": "b", "as_of": CUTS[1], "share": 1.0},
        {"segment_id": "b", "as_of": CUTS[2], "share": 0.6},
    ]
    lines = trace_segments(records, {"a": "few", "b": "many", "c": "nobody"}, CUTS, "share")
    assert [(line.name, line.values) for line in lines] == [("many", [0.7, 1.0, 0.6]), ("few", [0.3, None, 0.36])]
    assert describe_growth(lines, CUTS).startswith("Most of all many shrank: from 70.0 % on 1 January 2024 to 60.0 %")
    assert list(draw_lines(lines).data[1].y) == [0.3, None, 0.36]


def test_a_segment_that_is_gone_is_not_said_to_have_shrunk() -> None:
    lines = [Line("gone", CUTS, [0.5, None, None], ["", "", ""]), Line("new", CUTS, [None, None, 0.5], ["", "", ""])]
    assert describe_growth(lines, CUTS) == "No segment of 1 January 2024 is there today."


def test_moves_are_shares_of_those_who_were_there_before() -> None:
    heat = draw_moves(["a", "b"], ["a", "b"], [[3, 1], [0, 0]]).data[0]
    assert [list(row) for row in heat.z] == [[0.75, 0.25], [None, None]]
    assert order_segments(["x", None, "b", "a"], ["a", "b", "c"]) == ["a", "b", "x", None]


def test_a_measure_has_its_own_axes_and_a_thing_its_colour_everywhere() -> None:
    line = Line("churn", CUTS[:2], [0.1, 0.2], ["0.1", "0.2"])
    other = Line("buy", CUTS[:2], [5.0, 6.0], ["5", "6"])
    figure = draw_multiples({"loss": [line, other], "area": [other]})
    assert [(t.name, t.xaxis, t.showlegend) for t in figure.data] == [
        ("churn", "x", True), ("buy", "x", True), ("buy", "x2", False),
    ]  # fmt: skip
    assert figure.data[1].line.color == figure.data[2].line.color != figure.data[0].line.color


def test_counts_and_indices_stand_at_their_cuts() -> None:
    bars = draw_counts(CUTS, {"psi": [0, 2, 1]}).data[0]
    assert list(zip(bars.x, bars.y, strict=True)) == [(0, 0), (1, 2), (2, 1)]
    heat = draw_indices(["a", "b"], CUTS[:2], {("a", CUTS[1]): 0.3}).data[0]
    assert [list(row) for row in heat.z] == [[None, 0.3], [None, None]]


def test_the_map_is_that_of_principal_components_of_ranks() -> None:
    values = np.random.default_rng(7).gamma(1.0, size=(50, 4)) @ np.random.default_rng(8).normal(size=(4, 4))
    places, axes, told = place_users(values, ["a", "b", "c", "d"])
    ranks = rankdata(values, axis=0)
    pca = PCA(2).fit((ranks - ranks.mean(axis=0)) / ranks.std(axis=0))
    expected = pca.transform((ranks - ranks.mean(axis=0)) / ranks.std(axis=0))
    assert np.abs(places) == pytest.approx(np.abs(expected))
    assert told == pytest.approx(pca.explained_variance_ratio_.sum())
    assert all(axis.startswith("more ") for axis in axes)


def test_the_map_takes_the_unknown_for_the_middle_and_a_constant_for_nothing() -> None:
    values = np.array([[1.0, 5.0, 2.0], [2.0, 5.0, np.nan], [3.0, 5.0, 1.0], [4.0, 5.0, 3.0]])
    places, _, told = place_users(values, ["a", "same", "b"])
    assert np.isfinite(places).all()
    assert told == pytest.approx(1.0)
    assert place_users(np.ones((3, 2)), ["a", "b"])[2] == 0
