"""What all measures of users' behaviour share: their column, and a window of days before the cut."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.parameters import fingerprint_of

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column


def column_of(measure: object) -> str:
    """Name the column of a measure by its words: event names have any signs, and may differ in case alone."""
    return f"did_{fingerprint_of(str(measure))}"


def is_since(day: str, as_of: date, within_days: int | None) -> Column:
    """Tell whether a day is one of the last n days before a cut, or later; None: any is."""
    return F.lit(True) if within_days is None else F.col(day) >= F.lit(as_of - timedelta(days=within_days))


def within(days: int | None) -> str:
    """Write a window into the name of a measure."""
    return "" if days is None else f" within {days} days"
