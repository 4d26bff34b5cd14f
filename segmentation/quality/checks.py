"""Checks on a record: each is a name and a condition under which the record is rejected."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column


class Check(NamedTuple):
    """A reason and the condition under which it applies; a null condition does not apply."""

    reason: str
    fails: Column
    excludes: bool = False
    """A record that fails such checks alone is excluded: it is counted, and not quarantined."""


def any_fails(checks: Sequence[Check]) -> Column:
    """Tell whether any check fails: all that most records need."""
    return reduce(lambda left, right: left | right, (F.coalesce(c.fails, F.lit(False)) for c in checks), F.lit(False))


def failed_reasons(checks: Sequence[Check]) -> Column:
    """Return the reasons of all failed checks in their order, as an array (empty where all pass)."""
    found = [F.when(check.fails, F.lit(check.reason)) for check in checks]
    return F.array_compact(F.array(*found)) if found else F.array().cast("array<string>")
