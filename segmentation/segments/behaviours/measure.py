"""Measure all behaviours that rules or targets ask for."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from pyspark.sql import DataFrame

    from segmentation.segments.behaviours.behaviour import Behaviour, Declarations, Traces


def measure_behaviour(traces: Traces, *, behaviours: Sequence[Behaviour], given: Declarations) -> DataFrame:
    """Measure behaviours, those that can share a pass over a table together.

    Grain: a user with a row that counts for any of them -> a column for each (`Behaviour.column`). Null is the same
    as 0.

    Args:
        traces: events that happened and were received before the cut, and their derived tables.
        behaviours: at least one; equal ones are measured once.
        given: the cut, and the declarations that behaviours refer to.
    """
    passes: dict[tuple[type[Behaviour], Hashable], list[Behaviour]] = {}
    for one in dict.fromkeys(behaviours):
        passes.setdefault((type(one), one.shared_pass), []).append(one)
    frames = [
        family.measure(asked, {name: getattr(traces, name) for name in family.reads}, given)
        for (family, _), asked in passes.items()
    ]
    return reduce(lambda left, right: left.join(right, "user_id", "full"), frames)
