"""Words and numbers as readers see them."""

from __future__ import annotations

import pytest

from segmentation.review import text
from segmentation.review.exhibits import Grid, GridColumn


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "\u2013"), (0, "0.0 %"), (0.0001, "< 0.1 %"), (0.1234, "12.3 %"), (0.99996, "> 99.9 %"), (1, "100.0 %")],
)
def test_a_share_that_is_neither_nothing_nor_all_does_not_look_so(value: float | None, written: str) -> None:
    assert text.share(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (0.00012, "0.0001"), (2.5, "2.5"), (33.94, "33.9"), (1234.5, "1,234"), (float("nan"), "\u2013")],
)
def test_numbers_have_three_digits_and_no_powers_of_ten(value: float, written: str) -> None:
    assert text.number(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (None, "\u2013")]
)
def test_durations(value: float | None, written: str) -> None:
    assert text.seconds(value) == written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("sessions_count_30d", "Sessions, last 30 days"),
        ("days_since_last_event", "Days since last event"),
        ("value_sum_life", "Value, ever"),
        ("event_name_entropy_bits_life", "Event name entropy, ever (bits)"),
        ("rfm_recency_days", "RFM recency (days)"),
        ("<b>", "<b>"),
    ],
)
def test_features_in_words(name: str, written: str) -> None:
    assert text.feature(name) == written


@pytest.mark.parametrize(
    ("size", "words"),
    [(0.19, "about the same"), (-0.2, "a little less"), (0.5, "clearly more"), (-0.8, "far less"), (None, "unknown")],
)
def test_effects_in_words(size: float | None, words: str) -> None:
    assert text.effect(size) == words


def test_labels_for_charts_are_one_short_line_without_markup() -> None:
    assert text.chart_label("<b>&lt;") == "&lt;b&gt;&amp;lt;"
    assert text.chart_label("x" * 50, 10) == "\u2068" + "x" * 9 + "…\u2069"
    assert text.chart_label("a\nb\u202ec\x00") == "a b c"
    assert text.chart_label("") == "(empty)"
    assert text.chart_label("صفحة") == "\u2068صفحة\u2069"


def test_csv_keeps_values_exact_and_formulas_inert() -> None:
    grid = Grid(
        (GridColumn("name", "Name"), GridColumn("share", "Share", "share"), GridColumn("path", "Path", "path")),
        [{"name": '=1+"2"', "share": 1 / 3, "path": ["a", "b"]}, {"name": "x,y", "share": None, "path": ["-c"]}],
    )
    lines = grid.csv().splitlines()
    assert lines[0] == "name,share,path"
    assert lines[1] == f'"\'=1+""2""",{1 / 3},a → b'
    assert lines[2] == '"x,y",,\'-c'
    assert [column.show(grid.records[0]) for column in grid.columns[:2]] == ['=1+"2"', "33.3 %"]


def test_a_name_from_right_to_left_leaves_the_sentence_around_it_in_order() -> None:
    assert text.shorten("صفحة المنتج") == "\u2068صفحة المنتج\u2069"
    assert text.shorten("naïve café") == "naïve café"
    assert text.chart_label("صفحة").count("\u2068") == 1
