"""Planted faults of known size are found in the counts of a ledger; days that differ by chance alone are not."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from segmentation.quality.declarations import EventNames, LedgerShare, NamedCheck, Volume
from segmentation.quality.judge_ledger import judge_ledger
from segmentation.quality.ledger_counts import Cell, LedgerCounts, count_cells
from segmentation.quality.results import FAILED, NOT_JUDGED, PASSED, WARNED, Result

DAY = date(2024, 6, 14)  # a Friday
DAYS = [DAY - timedelta(days=n) for n in range(63, -1, -1)]
SHARES = {"view": 0.7, "cart": 0.2, "purchase": 0.0995, "refund": 0.0005}


def stationary(seed: int, *, usual: float = 500.0) -> dict[date, dict[str, int]]:
    """Draw days of Poisson-like counts whose mean depends on the weekday alone; Sundays are a third."""
    draw = random.Random(seed)

    def about(mean: float) -> int:
        return max(0, round(draw.gauss(mean, mean**0.5)))

    return {
        day: {name: about(usual * (1 / 3 if day.weekday() == 6 else 1) * share) for name, share in SHARES.items()}
        for day in DAYS
    }


def counts_of(days: dict[date, dict[str, int]]) -> LedgerCounts:
    cells = [
        Cell("shop", day, name, stage, None, n)
        for day, names in days.items()
        for name, n in names.items()
        for stage in ("accepted", "read")
    ]
    return count_cells(cells, {"shop": min(days)})


def judge(rule, counts: LedgerCounts, *days: date) -> list[Result]:
    return judge_ledger(NamedCheck("t.check", rule), counts, "shop", days or (DAY,))


VOLUME, NAMES = Volume(kind="volume"), EventNames(kind="event_names")


def test_stationary_days_are_quiet() -> None:
    counts = [counts_of(stationary(seed)) for seed in range(200)]
    week = DAYS[-7:]  # with its Sunday, a third of other days
    statuses = [r.status for one in counts for rule in (VOLUME, NAMES) for r in judge(rule, one, *week)]
    assert len(statuses) == 200 * 2 * 7
    assert set(statuses) == {PASSED}


@pytest.mark.parametrize("share", [0.0, 0.4, 1.8])
def test_a_day_at_another_volume_is_told(share: float) -> None:
    for seed in range(50):
        days = stationary(seed)
        days[DAY] = {name: round(n * share) for name, n in days[DAY].items()}
        (result,) = judge(VOLUME, counts_of(days))
        assert result.status == WARNED
        assert result.value == sum(days[DAY].values())


def test_the_median_is_of_the_same_weekday_and_its_limits_are_as_documented() -> None:
    days = {day: {"view": 1000} for day in DAYS}
    for weeks, n in enumerate((90, 110, 100, 100, 100, 100, 80, 120), 1):
        days[DAY - timedelta(days=7 * weeks)] = {"view": n}
    days[DAY] = {"view": 70}
    (result,) = judge(VOLUME, counts_of(days))
    # Median 100; absolute deviations 10 10 0 0 0 0 20 20, their median 5, so 1.4826 * 5 = 7.4 < sqrt(100).
    assert (result.at_least, result.at_most) == (60.0, 140.0)
    assert result.status == PASSED
    assert result.evidence.startswith("70 events, 70% of the median 100 of 8 Fridays")
    (strict,) = judge(Volume(kind="volume", spreads=0.1, min_change=0.25, level="error"), counts_of(days))
    assert (strict.at_least, strict.status) == (75.0, FAILED)


def test_too_few_weeks_are_not_judged() -> None:
    days = {day: names for day, names in stationary(1).items() if day > DAY - timedelta(days=22)}
    days[DAY] = {}
    assert [r.status for r in judge(VOLUME, counts_of({**days, DAY: {"view": 1}}))] == [NOT_JUDGED]


def test_days_without_events_count_as_zero_from_the_first_event_on() -> None:
    closed = {day: names for day, names in stationary(3).items() if day.weekday() != 4}
    (result,) = judge(VOLUME, counts_of(closed))
    assert (result.status, "none on most Fridays" in result.evidence) == (NOT_JUDGED, True)


def test_new_and_vanished_names_are_told_apart_from_rare_ones() -> None:
    days = stationary(5)
    days[DAY] = {**days[DAY], "cart": 0, "refund": 0, "wishlist": 12, "typo": 4}
    (result,) = judge(NAMES, counts_of(days))
    assert (result.status, result.value) == (WARNED, 2.0)
    assert "new: wishlist (12 events)" in result.evidence
    assert "gone: cart (" in result.evidence
    assert "refund" not in result.evidence
    assert "typo" not in result.evidence


def test_a_small_day_alone_lets_no_name_vanish() -> None:
    days = stationary(6)
    days[DAY] = {"view": 50, "cart": 14}  # of purchases 6 would be expected
    assert [r.status for r in judge(NAMES, counts_of(days))] == [PASSED]


def test_names_without_enough_days_are_not_judged() -> None:
    days = {day: names for day, names in stationary(7).items() if day > DAY - timedelta(days=6)}
    assert [r.status for r in judge(NAMES, counts_of(days))] == [NOT_JUDGED]


def test_shares_are_exact_and_records_without_a_day_count_over_all() -> None:
    cells = [
        Cell("shop", DAY, None, "read", None, 100),
        Cell("shop", DAY, None, "accepted", None, 90),
        Cell("shop", DAY, None, "duplicate", None, 7),
        Cell("shop", DAY, None, "quarantined", "null_user", 3),
        Cell("shop", None, None, "read", None, 20),
        Cell("shop", None, None, "unparsable", "malformed", 20),
    ]
    counts = count_cells(cells, {"shop": DAY})

    def share(**rule) -> tuple[int | None, int | None, str]:
        (result,) = judge(LedgerShare(kind="share", **rule), counts)
        return result.part, result.whole, result.status

    assert share(at_most=0.03) == (3, 100, PASSED)
    assert share(at_most=0.029, level="error") == (3, 100, FAILED)
    assert share(at_most=0.1, over="all") == (23, 120, WARNED)
    assert share(of="duplicates", at_most=0.0) == (7, 100, WARNED)
    assert share(of="null_user", at_most=0.02) == (3, 100, WARNED)
    assert share(of="malformed", at_most=0.0) == (0, 100, PASSED)
    assert share(at_most=0.0, min_records=101) == (None, 100, NOT_JUDGED)
