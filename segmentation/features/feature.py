"""Define a feature as data: name, unit, window, source, and an expression in Spark SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segmentation.tables import USER_DAYS, table

if TYPE_CHECKING:
    from pyspark.sql.types import DataType

    from segmentation.features.params import FeatureParams

DAYS_AGO = "days_ago"
"""Days from a row's day to the cut: 1 is the last day before it; in a window of n days iff <= n."""
ALWAYS = "true"


@dataclass(frozen=True)
class Window:
    """The last `days` days before the cut, or everything before it (None)."""

    days: int | None = None

    def __str__(self) -> str:
        return "life" if self.days is None else f"{self.days}d"

    @property
    def text(self) -> str:
        """The window in words."""
        if self.days == 1:
            return "on the last day"
        return "ever" if self.days is None else f"in the last {self.days} days"

    def holds(self, days_ago: str = DAYS_AGO) -> str:
        """Tell whether a row's day is in the window."""
        return ALWAYS if self.days is None else f"{days_ago} <= {self.days}"


@dataclass(frozen=True)
class Feature:
    """A column of `user_features`.

    ``expression`` is an aggregate over the user's rows of ``source``, whose columns inputs.py describes. It
    is text: the fingerprint holds it, and Spark takes it in one call where composing it from column objects
    takes dozens. A feature that never is null (``null_means`` empty) is a count or sum: 0 where the user has
    no row in the source.
    """

    name: str
    unit: str
    description: str
    expression: str
    window: Window | None = None
    null_means: str = ""
    source: str = USER_DAYS.name
    type: DataType = table.REAL

    @property
    def column(self) -> table.Column:
        """The feature in the contract of `user_features`."""
        unit = f" ({self.unit})"
        null = f"; null: {self.null_means}" if self.null_means else ""
        return table.Column(self.name, self.type, self.description + unit + null, nullable=bool(self.null_means))


def windows_of(params: FeatureParams) -> tuple[Window, ...]:
    """Return the windows in ascending order, life last."""
    return (*(Window(days) for days in params.windows_days), Window())


def sum_windows_of(params: FeatureParams) -> tuple[Window, ...]:
    """Return the windows of counts and sums, which have further ones, in ascending order, life last."""
    return (*(Window(days) for days in sorted({*params.windows_days, *params.sum_windows_days})), Window())


def total(column: str, window: Window, condition: str = ALWAYS) -> str:
    """Sum a column over the user's rows in the window that fulfil a condition; 0 without any."""
    return f"sum(if({both(window.holds(), condition)}, {column}, 0))"


def items_total(dimension: str, window: Window, condition: str = ALWAYS) -> str:
    """Sum the counts of a dimension's items, or of those that fulfil a condition; 0 without any."""
    chosen = both(f"dimension = '{dimension}'", condition)
    return f"sum(if({chosen}, n_{window}, 0))"


def items_distinct(dimension: str, window: Window, condition: str = ALWAYS) -> str:
    """Count a dimension's items with a positive sum in the window, or those that fulfil a condition."""
    chosen = both(f"dimension = '{dimension}' AND n_{window} > 0", condition)
    return f"count_if({chosen})"


def both(left: str, right: str) -> str:
    """Return the conjunction of two conditions."""
    return " AND ".join(part for part in (left, right) if part != ALWAYS) or ALWAYS


def ratio(numerator: str, denominator: str) -> str:
    """Divide exact sums as doubles; null where the denominator is 0."""
    return f"try_divide(double({numerator}), double({denominator}))"


def exact(whole: str) -> str:
    """Take a whole number as a decimal, whose products and differences do not overflow or round."""
    return f"cast({whole} AS decimal(19,0))"


def deviation(count: str, sum_: str, squares: str) -> str:
    """Return the sample standard deviation from whole-number sums; null below two values.

    sqrt((n sum(x^2) - (sum x)^2) / (n (n - 1))), with the numerator in exact decimals: nothing cancels.
    """
    n, s, s2 = exact(count), exact(sum_), exact(squares)
    return f"sqrt({ratio(f'{n} * {s2} - {s} * {s}', f'{n} * ({n} - 1)')})"


def literal(text: str) -> str:
    """Quote a text for Spark SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def is_one_of(column: str, texts: tuple[str, ...]) -> str:
    """Tell whether a column is one of some texts."""
    return f"{column} IN ({', '.join(literal(text) for text in texts)})" if texts else "false"
