from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segmentation.models.params import ClusterParams, PropensityParams

DAYS = st.dates(date(2020, 1, 1), date(2025, 1, 1))


def test_half_a_year_gives_two_training_cuts_and_an_evaluation_cut():
    cuts = PropensityParams().feature_cuts(date(2024, 6, 30), date(2024, 1, 4), date(2024, 6, 29))
    assert cuts == (date(2024, 4, 7), date(2024, 5, 5), date(2024, 6, 2))


def test_data_that_end_before_the_cut_move_the_label_windows_back():
    cuts = PropensityParams(training_cuts=1).feature_cuts(date(2025, 1, 1), date(2024, 1, 4), date(2024, 6, 29))
    assert cuts == (date(2024, 5, 5), date(2024, 6, 2))


@pytest.mark.parametrize(("history_days", "number_of_cuts"), [(55, 0), (56, 0), (57, 2), (111, 2), (112, 3), (500, 3)])
def test_short_history_gives_fewer_cuts_or_none(history_days: int, number_of_cuts: int):
    as_of = date(2024, 6, 30)
    cuts = PropensityParams().feature_cuts(as_of, as_of - timedelta(days=history_days), as_of - timedelta(days=1))
    assert len(cuts) == number_of_cuts


@given(
    as_of=DAYS,
    first=DAYS,
    length=st.integers(0, 900),
    horizon=st.integers(1, 90),
    gap=st.integers(0, 30),
    n=st.integers(1, 5),
)
def test_labels_are_ripe_and_no_training_label_reaches_the_evaluation_cut(as_of, first, length, horizon, gap, n):
    params = PropensityParams(horizon_days=horizon, gap_days=gap, training_cuts=n)
    last = first + timedelta(days=length)
    cuts = params.feature_cuts(as_of, first, last)
    if not cuts:
        return
    *training, evaluation = cuts
    assert 1 <= len(training) <= n
    assert list(cuts) == sorted(set(cuts))
    assert evaluation + params.step <= min(as_of, last + timedelta(days=1))
    assert all(first < cut and cut + params.step <= evaluation for cut in training)


def test_an_empty_range_of_k_is_refused():
    with pytest.raises(ValidationError, match="k_max"):
        ClusterParams(k_min=5, k_max=4)
