from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segmentation.models.params import ClusterParams, Costs, PropensityParams
from segmentation.models.windows import History, LabelWindow, choose_cuts, maturity_of, too_short

DAYS = st.dates(date(2020, 1, 1), date(2025, 1, 1))
FOUR_WEEKS = LabelWindow(0, 28)


def cuts_of(as_of: date, first: date, last: date, *, maturity_days: int = 0, training_cuts: int = 2):
    params = PropensityParams(training_cuts=training_cuts)
    history = History(first, last)
    return choose_cuts(FOUR_WEEKS, as_of=as_of, history=history, maturity_days=maturity_days, params=params)


def test_half_a_year_gives_two_training_cuts_and_an_evaluation_cut():
    cuts = cuts_of(date(2024, 6, 30), date(2024, 1, 4), date(2024, 6, 29))
    assert cuts.training == (date(2024, 4, 7), date(2024, 5, 5))
    assert cuts.evaluation == date(2024, 6, 2)


def test_data_that_end_before_the_cut_move_the_label_windows_back():
    cuts = cuts_of(date(2025, 1, 1), date(2024, 1, 4), date(2024, 6, 29), training_cuts=1)
    assert cuts.all == (date(2024, 5, 5), date(2024, 6, 2))


def test_labels_ripen_before_they_are_used():
    first, last = date(2024, 1, 4), date(2024, 6, 29)
    assert cuts_of(date(2024, 6, 30), first, last, maturity_days=7).evaluation == date(2024, 5, 26)
    assert cuts_of(date(2024, 7, 7), first, last, maturity_days=7).evaluation == date(2024, 6, 2)


@pytest.mark.parametrize(
    ("configured", "late", "days"), [(None, False, 0), (None, True, 7), (3, True, 3), (3, False, 3)]
)
def test_only_where_events_come_late_labels_must_ripen(configured: int | None, late: bool, days: int):  # noqa: FBT001
    history = History(date(2024, 1, 1), date(2024, 6, 1), late)
    assert maturity_of(history, allowed_lateness_days=7, params=PropensityParams(maturity_days=configured)) == days


@pytest.mark.parametrize(("history_days", "number_of_cuts"), [(55, 0), (56, 0), (57, 2), (111, 2), (112, 3), (500, 3)])
def test_short_history_gives_fewer_cuts_or_none(history_days: int, number_of_cuts: int):
    as_of = date(2024, 6, 30)
    cuts = cuts_of(as_of, as_of - timedelta(days=history_days), as_of - timedelta(days=1))
    assert (len(cuts.all) if cuts else 0) == number_of_cuts


def test_a_history_too_short_is_told_with_its_target():
    history = History(date(2024, 6, 1), date(2024, 6, 29))
    error = too_short("upsell", FOUR_WEEKS, as_of=date(2024, 6, 30), history=history, maturity_days=7)
    assert error.exit_code == 3
    assert "'upsell'" in str(error)
    assert "two label windows of 28 days each, 7 days in which they ripen" in str(error)


@given(
    as_of=DAYS,
    first=DAYS,
    length=st.integers(0, 900),
    horizon=st.integers(1, 90),
    gap=st.integers(0, 30),
    maturity=st.integers(0, 20),
    n=st.integers(1, 5),
)
def test_labels_are_ripe_and_no_window_reaches_the_next_cut(as_of, first, length, horizon, gap, maturity, n):
    params, window = PropensityParams(training_cuts=n), LabelWindow(gap, horizon)
    last = first + timedelta(days=length)
    cuts = choose_cuts(window, as_of=as_of, history=History(first, last), maturity_days=maturity, params=params)
    if cuts is None:
        return
    assert 1 <= len(cuts.training) <= n
    assert list(cuts.all) == sorted(set(cuts.all))
    assert window.closes(cuts.evaluation) <= last + timedelta(days=1)
    assert window.closes(cuts.evaluation) + timedelta(days=maturity) <= as_of
    assert all(first < cut for cut in cuts.training)
    assert all(window.closes(cut) <= later for cut, later in zip(cuts.all, cuts.all[1:], strict=False))


def test_an_empty_range_of_k_is_refused():
    with pytest.raises(ValidationError, match="k_max"):
        ClusterParams(k_min=5, k_max=4)


@given(false_alarm=st.floats(0.01, 100), miss=st.floats(0.01, 100), p=st.floats(0, 1))
def test_from_the_threshold_on_acting_is_the_cheaper(false_alarm: float, miss: float, p: float):
    costs = Costs(false_alarm=false_alarm, miss=miss)
    acting, leaving = (1 - p) * false_alarm, p * miss
    assert (acting <= leaving) == (p >= costs.threshold) or acting == pytest.approx(leaving)


def test_which_other_targets_there_are_shapes_no_model():
    one = PropensityParams(targets=("churn",), parallelism=4, horizon_days=7)
    assert one.shaping.fingerprint == PropensityParams().shaping.fingerprint
    assert one.model_copy(update={"seed": 8}).shaping.fingerprint != one.shaping.fingerprint
