"""Counts: do the events of a source agree with the count of the platform itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.exhibits import Exhibit, Grid, GridColumn
from segmentation.review.frames.health import list_compared_days
from segmentation.tables import COUNT_COMPARISONS

if TYPE_CHECKING:
    from segmentation.review.frames.records import Records
    from segmentation.review.sections.reading import Reading


def count_exhibits(reading: Reading) -> list[Exhibit]:
    """Build the exhibit on outside counts; none if no source was compared."""
    cut = reading.newest_cut(COUNT_COMPARISONS)
    days = [] if cut is None else list_compared_days(reading.read(COUNT_COMPARISONS), cut)
    if not days:
        return []
    columns = (
        GridColumn("source", "Source"),
        GridColumn("day", "Day"),
        GridColumn("events", "Events here", "count"),
        GridColumn("counted", "Counted outside", "count"),
        GridColumn("difference", "Difference", "number"),
        GridColumn("cells", "Cells", "count"),
        GridColumn("equal", "Equal cells", "count"),
        GridColumn("other_times", "Cells with other times", "count"),
        GridColumn("state", "State"),
    )
    rows = [{**day, "state": "settling" if day["settling"] else "settled"} for day in days]
    return [
        Exhibit(
            key="counts",
            title="Do the counts agree with the platform's own",
            finding=" ".join(describe_agreement(source, days) for source in sorted({day["source"] for day in days})),
            grid=Grid(columns, rows),
            method="The newest comparison of each source with an outside count, by reconcile_counts. A cell is a day, "
            "and the hour, platform, event name and channel if the count has them. Days of the last 72 hours are "
            "settling and not part of the finding.",
        )
    ]


def describe_agreement(source: str, days: Records) -> str:
    """Write a sentence on the settled days of a source: whether all cells agree, or how many differ."""
    settled = [day for day in days if day["source"] == source and not day["settling"]]
    if not settled:
        return f"All compared days of {text.shorten(source)} are still settling."
    cells, equal = (sum(day[name] for day in settled) for name in ("cells", "equal"))
    events, counted = (sum(day[name] for day in settled) for name in ("events", "counted"))
    if equal == cells:
        return f"All {text.plural(cells, 'cell')} of the outside count of {text.shorten(source)} agree."
    return (
        f"{text.count(cells - equal)} of {text.plural(cells, 'cell')} of the outside count of {text.shorten(source)} "
        f"differ: {text.count(events)} events here, {text.count(counted)} outside."
    )
