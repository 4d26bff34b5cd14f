"""Rates beside what was to be expected: the web shop's payment fault at its dates, alarms without cause, outcomes."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact

from segmentation.monitoring.alerts import judge_rates, sort_alerts
from segmentation.monitoring.params import MonitoringParams
from segmentation.monitoring.rates import PredictionOutcome, compare_outcomes, compare_rates
from segmentation.sequences.differences import power_to_find
from segmentation.tables import EXIT, START
from tests.conftest import data_set

PAY = ("payment_details", "purchase")
PARAMS = MonitoringParams(transitions=(PAY,))
AS_OF = date(2024, 6, 1)
LABELS = {"checkout_bug", "payment_error", "error_page"}
"""Events with which the shop's generator marks its faults: they are no states."""

Daily = dict[date, Counter[tuple[str, str]]]


def shop_days() -> Daily:
    """Count the moves of the published clickstream by hand."""
    with gzip.open(data_set("ecom", "ecom.csv.gz"), "rt") as lines:
        rows = {tuple(row.values()) for row in csv.DictReader(lines) if row["event"] not in LABELS}
    days: Daily = {}
    by_session = sorted((user, session, at, event) for user, session, event, at, *_ in rows)
    for _, steps in groupby(by_session, key=lambda row: row[:2]):
        walk = list(steps)
        states = [START, *(event for *_, event in walk), EXIT]
        days.setdefault(datetime.fromisoformat(walk[0][2]).date(), Counter()).update(pairwise(states))
    return days


def random_days(rng: np.random.Generator, before: float, now: float, per_day: int) -> Daily:
    days: Daily = {}
    for back in range(1, PARAMS.rate_days + PARAMS.reference_days + 1):
        paid = int(rng.binomial(per_day, now if back <= PARAMS.rate_days else before))
        days[AS_OF - timedelta(days=back)] = Counter({PAY: paid, (PAY[0], EXIT): per_day - paid})
    return days


@pytest.mark.truths
def test_the_payment_fault_alarms_at_its_dates_and_nothing_else_does() -> None:
    days = shop_days()
    weeks = [date(2024, 3, 10) + timedelta(weeks=n) for n in range(17)]
    alarms = {}
    for cut in weeks:
        (judged,) = judge_rates(compare_rates(days, as_of=cut, goals=(), params=PARAMS), params=PARAMS)
        if judged.alerts:
            alarms[cut] = (judged.figure.successes, judged.figure.trials, judged.figure.difference < 0)
    assert set(alarms) == {date(2024, 5, 26), date(2024, 6, 2)}  # the weeks from 19 May and from 26 May
    assert all(fell for *_, fell in alarms.values())


@pytest.mark.truths
def test_daily_cuts_alarm_from_its_fifth_day_on_and_never_else() -> None:
    days = shop_days()
    alarms = []
    for cut in (date(2024, 4, 1) + timedelta(days=n) for n in range(90)):
        (judged,) = judge_rates(compare_rates(days, as_of=cut, goals=(), params=PARAMS), params=PARAMS)
        alarms += [cut] if judged.alerts else []
    assert (alarms[0], alarms[-1]) == (date(2024, 5, 23), date(2024, 6, 3))
    assert len(alarms) == 6, alarms


def test_windows_are_those_before_the_cut_and_the_test_is_fishers() -> None:
    days = random_days(np.random.default_rng(1), 0.2, 0.1, 20)
    days[AS_OF] = Counter({PAY: 1_000})
    days[AS_OF - timedelta(days=92)] = Counter({PAY: 1_000})
    (found,) = compare_rates(days, as_of=AS_OF, goals=(), params=PARAMS)
    assert (found.from_date, found.until_date) == (date(2024, 5, 25), AS_OF)
    assert (found.trials, found.reference_trials) == (140, 1_680)
    other = round(found.reference * 1_680)
    table = [[found.successes, 140 - found.successes], [other, 1_680 - other]]
    assert found.p_value == pytest.approx(fisher_exact(table)[1], rel=1e-9)
    assert found.q_value == found.p_value


def test_without_a_family_moves_to_goals_are_monitored() -> None:
    days = random_days(np.random.default_rng(2), 0.2, 0.2, 20)
    days[AS_OF - timedelta(days=1)][("cart", "purchase")] = 19  # one too few
    anything = PARAMS.model_copy(update={"transitions": ()})
    assert [one.scope for one in compare_rates(days, as_of=AS_OF, goals=("purchase",), params=anything)] == [
        "transition:payment_details -> purchase"
    ]
    assert compare_rates({}, as_of=AS_OF, goals=("purchase",), params=anything) == []
    (nothing,) = compare_rates({}, as_of=AS_OF, goals=(), params=PARAMS)
    assert (nothing.rate, nothing.reference, nothing.p_value) == (None, None, 1.0)
    assert judge_rates([nothing], params=PARAMS)[0].alerts == ()


def test_without_change_the_exact_test_alarms_near_its_level_and_not_beyond() -> None:
    rng, level, cuts = np.random.default_rng(23), 0.05, 600
    alarms = sum(
        compare_rates(random_days(rng, 0.2, 0.2, 40), as_of=AS_OF, goals=(), params=PARAMS)[0].p_value <= level
        for _ in range(cuts)
    )
    assert binomtest(alarms, cuts, level, alternative="greater").pvalue > 0.001, alarms
    assert alarms / cuts >= level / 2, alarms


def test_a_planted_fall_is_found_with_the_power_that_is_stated() -> None:
    rng, cuts, per_day = np.random.default_rng(29), 300, 20
    level = PARAMS.false_discovery_rate
    found = [
        compare_rates(random_days(rng, 0.2, 0.1, per_day), as_of=AS_OF, goals=(), params=PARAMS)[0] for _ in range(cuts)
    ]
    hits = sum(one.q_value <= level for one in found)
    stated = power_to_find(reference=0.2, other=0.1, departures_a=140, departures_b=1_680, alpha=level)
    assert hits / cuts == pytest.approx(stated, abs=0.08)
    one = found[0]
    sizes = {"departures_a": 140, "departures_b": 1_680, "alpha": level}
    up, down = (
        power_to_find(reference=one.reference, other=one.reference + sign * one.detectable, **sizes) for sign in (1, -1)
    )
    assert min(up, down) == pytest.approx(0.8, abs=1e-6)


def outcome(came_true: int, *, users: int = 1_000, p: float = 0.2) -> PredictionOutcome:
    cut = date(2024, 4, 1)
    return PredictionOutcome(
        "purchase", cut, cut + timedelta(days=28), users, came_true, users * p, users * p * (1 - p)
    )


def test_predictions_that_do_not_come_true_are_an_alert_and_others_not() -> None:
    good, bad, barely = (compare_outcomes([outcome(n)], rate=0.01)[0] for n in (205, 90, 240))
    assert (bad.scope, bad.rate, bad.reference) == ("calibration:purchase", 0.09, pytest.approx(0.2))
    assert bad.difference == pytest.approx(-0.11)
    assert bad.lower < bad.difference < bad.upper < 0
    alerts = sort_alerts(judge_rates([good, bad, barely], params=MonitoringParams()))
    assert [(a.metric, a.value) for a in alerts] == [("calibration_gap", pytest.approx(-0.11))]
    assert barely.q_value < 0.01  # beyond chance, within the threshold
    assert compare_outcomes([outcome(0, users=0)], rate=0.01) == []


def test_right_probabilities_alarm_at_the_level_stated() -> None:
    rng, cuts, level = np.random.default_rng(31), 1_000, 0.05
    alarms = 0
    for _ in range(cuts):
        p = rng.beta(2, 6, 300)
        true = int((rng.random(300) < p).sum())
        one = PredictionOutcome("churn", AS_OF, AS_OF, 300, true, float(p.sum()), float((p * (1 - p)).sum()))
        alarms += compare_outcomes([one], rate=level)[0].p_value <= level
    assert binomtest(alarms, cuts, level).pvalue > 0.001, alarms
