"""What a feature is: documentation as data, and one aggregate expression made of the words below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import Column
from pyspark.sql import functions as F

from segmentation.tables import table
from segmentation.tables.user_days import USER_DAYS

if TYPE_CHECKING:
    from pyspark.sql.types import DataType

    from segmentation.features.params import FeatureParams

DAYS_AGO = "days_ago"
"""Days from a row's day to the cut: 1 is the last day before it; in a window of n days iff <= n."""


@dataclass(frozen=True)
class Window:
    """The last `days` days before the cut, or everything before it (None)."""

    days: int | None = None

    def __str__(self) -> str:
        return "life" if self.days is None else f"{self.days}d"

    @property
    def text(self) -> str:
        """The window in words."""
        return "ever" if self.days is None else f"in the last {self.days} days"

    def holds(self, days_ago: str = DAYS_AGO) -> Column:
        """Tell whether a row's day is in the window."""
        return F.lit(True) if self.days is None else F.col(days_ago) <= self.days


@dataclass(frozen=True)
class Feature:
    """A column of `user_features`.

    ``expression`` is an aggregate over the user's rows of ``source`` (see inputs.py for their columns);
    building it needs a Spark session, so it is called late. A feature that never is null (``null_means``
    empty) is a count or sum: 0 where the user has no row in the source.
    """

    name: str
    unit: str
    description: str
    expression: Callable[[], Column] = field(repr=False, compare=False)
    window: Window | None = None
    null_means: str = ""
    source: str = USER_DAYS.name
    type: DataType = table.REAL

    @property
    def column(self) -> table.Column:
        """The feature in the contract of `user_features`."""
        unit = f" ({self.unit})"
        null = f"; null: {self.null_means}" if self.null_means else ""
        return table.Column(
            self.name, self.type, self.description + unit + null, nullable=bool(self.null_means)
        )


def windows_of(params: FeatureParams) -> tuple[Window, ...]:
    """Return the windows in ascending order, life last."""
    return (*(Window(days) for days in params.windows_days), Window())


def total(column: str, window: Window) -> Column:
    """Sum a column over the user's rows in the window; 0 without any."""
    return F.sum(F.when(window.holds(), F.col(column)).otherwise(0))


def items_total(dimension: str, window: Window, item: Column | None = None) -> Column:
    """Sum the counts of a dimension's items, or of those that fulfil a condition; 0 without any."""
    chosen = F.col("dimension") == dimension
    return F.sum(F.when(chosen if item is None else chosen & item, F.col(f"n_{window}")).otherwise(0))


def items_distinct(dimension: str, window: Window, item: Column | None = None) -> Column:
    """Count a dimension's items with a positive sum in the window, or those that fulfil a condition."""
    chosen = (F.col("dimension") == dimension) & (F.col(f"n_{window}") > 0)
    return F.count_if(chosen if item is None else chosen & item)


def ratio(numerator: Column, denominator: Column) -> Column:
    """Divide exact sums as doubles; null where the denominator is 0."""
    return F.try_divide(numerator.cast("double"), denominator.cast("double"))


def deviation(count: Column, total_: Column, squares: Column) -> Column:
    """Return the sample standard deviation from whole-number sums; null below two values.

    sqrt((n sum(x^2) - (sum x)^2) / (n (n - 1))), with the numerator in exact decimals: nothing cancels.
    """
    n, s, s2 = (part.cast("decimal(19,0)") for part in (count, total_, squares))
    return F.sqrt(ratio(n * s2 - s * s, n * (n - 1)))
