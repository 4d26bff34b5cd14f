"""What is read of a lake to ask something of its users at a cut: its history, and what they did before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.models.windows import History
from segmentation.segments.behaviours.behaviour import Behaviour, Declarations, Traces
from segmentation.segments.behaviours.measure import measure_behaviour
from segmentation.sessions.as_of import CutTables, before_cut, choose_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.sequences.funnels import Funnel
    from segmentation.sequences.states import StateMapping
    from segmentation.sessions.params import SessionParams


def read_history(events: DataFrame, *, as_of: date, time_zone: str) -> History:
    """Return the first and last day of the events known at a cut, and whether any was received after it had happened.

    What came in later changes nothing of it: the same cut gives the same history ever after.

    Raises:
        DataError: there are no events, or none had happened and been received before the cut.
    """
    known, day = before_cut(as_of, time_zone), F.col("event_date")
    late = F.max(known & (F.col("received_at") > F.col("event_at")))
    of_known = F.when(known, day)
    earliest, first, last, is_late = (
        events.agg(F.min(day), F.min(of_known), F.max(of_known), late).head() or (None,) * 4
    )
    if earliest is None:
        raise DataError("table 'events' is empty: every record was rejected; see table 'quarantine'")
    if first is None or last is None:
        raise DataError(
            f"no event happened and was received before {as_of}: events begin {earliest}, choose a later --as-of"
        )
    return History(first, last, bool(is_late))


def measure_at_cut(  # noqa: PLR0913  one keyword per thing that a question may refer to
    stored: CutTables,
    *,
    behaviours: Sequence[Behaviour],
    funnels: Mapping[str, Funnel],
    states: StateMapping,
    as_of: date,
    workspace: WorkspaceParams,
    sessions: SessionParams,
    traits: DataFrame | None = None,
) -> DataFrame | None:
    """Measure what is asked of users' events before a cut, from the stored counts if these know nothing beyond it.

    Grain: events, and the tables made of them -> a user who did any of it, see `measure.measure_behaviour`; None
    where nothing is asked.
    """
    if not behaviours:
        return None
    traces = Traces.of(choose_tables(stored, as_of=as_of, workspace=workspace, sessions=sessions))
    given = Declarations(as_of, workspace.time_zone, funnels, states)
    return measure_behaviour(traces._replace(traits=traits), behaviours=behaviours, given=given)
