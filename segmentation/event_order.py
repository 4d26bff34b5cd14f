"""The order of a user's events, nulls last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.tables.events import ORDER

if TYPE_CHECKING:
    from pyspark.sql import Column


def in_order() -> list[Column]:
    """Return the sort keys of a user's events."""
    return [F.asc_nulls_last(name) for name in ORDER]


def newest_first() -> list[Column]:
    """Return the sort keys of a user's events in reverse order."""
    return [F.desc_nulls_first(name) for name in ORDER]


def order_key() -> Column:
    """Return a struct that compares as :func:`in_order` sorts, for `min_by` and `max_by`."""
    return F.struct(*(part for name in ORDER for part in (F.isnull(name).alias(f"_no_{name}"), F.col(name))))
