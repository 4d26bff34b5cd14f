"""The first day that is kept of a source, and the portions in which older months are removed."""

from __future__ import annotations

from datetime import date

import pytest

from segmentation.runtime.expiring import Month, split_months
from segmentation.sources.expiry import first_day_kept


@pytest.mark.parametrize(
    ("description", "as_of", "months", "first"),
    [
        ("within a year", date(2024, 6, 30), 2, date(2024, 4, 1)),
        ("the first of a month", date(2024, 6, 1), 1, date(2024, 5, 1)),
        ("beyond a new year", date(2024, 1, 31), 1, date(2023, 12, 1)),
        ("whole years", date(2024, 12, 15), 24, date(2022, 12, 1)),
        ("the month after", date(2024, 12, 1), -1, date(2025, 1, 1)),
    ],
)
def test_first_day_kept(description: str, as_of: date, months: int, first: date) -> None:
    assert first_day_kept(as_of, months) == first, description


@pytest.mark.parametrize(
    ("description", "records", "portions"),
    [
        ("no month", [], []),
        ("months that fit together", [3, 3, 4], [[3, 3, 4]]),
        ("a month that does not fit", [3, 8, 2], [[3], [8, 2]]),
        ("a month that is too large", [1, 20, 1], [[1], [20], [1]]),
    ],
)
def test_split_months(description: str, records: list[int], portions: list[list[int]]) -> None:
    months = [Month(date(2024, number + 1, 1), count) for number, count in enumerate(records)]
    split = [[month.records for month in portion] for portion in split_months(months, 10)]
    assert split == portions, description
