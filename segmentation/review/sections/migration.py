"""Build the exhibit of users' moves between segments, from the previous to the newest scored cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.maps import draw_moves
from segmentation.review.exhibits import Exhibit, Grid, GridColumn
from segmentation.review.frames.segments import count_segment_moves
from segmentation.tables import SEGMENT_ASSIGNMENTS

if TYPE_CHECKING:
    from datetime import date

    from segmentation.review.frames.records import Records
    from segmentation.review.sections.reading import Reading

NOT_SCORED = "(not scored)"


def build_migration(reading: Reading, cut: date, profiles: Records) -> tuple[Exhibit, ...]:
    """Build the matrix of moves; none where there is one cut."""
    before = next((day for day in reading.cuts(SEGMENT_ASSIGNMENTS) if day < cut), None)
    if before is None:
        return ()
    moves = count_segment_moves(reading.read(SEGMENT_ASSIGNMENTS), before, cut)
    order = [profile["segment_id"] for profile in profiles]
    rows = [{**move, "from": move["before_name"] or NOT_SCORED, "to": move["now_name"] or NOT_SCORED} for move in moves]
    places = [order_segments([move[role] for move in moves], order) for role in ("before", "now")]
    users = {(move["before"], move["now"]): move["users"] for move in moves}
    table = [[users.get((one, other), 0) for other in places[1]] for one in places[0]]
    names = {move[role]: row[way] for move, row in zip(moves, rows, strict=True) for role, way in _WAYS}
    totals = {one: sum(line) for one, line in zip(places[0], table, strict=True)}
    both = [move for move in moves if move["before"] and move["now"]]
    stayed, scored_twice = (
        sum(m["users"] for m in some) for some in ([m for m in both if m["before"] == m["now"]], both)
    )
    columns = (
        GridColumn("from", f"On {text.day(before)}"),
        GridColumn("to", f"On {text.day(cut)}"),
        GridColumn("users", "Users", "count"),
        GridColumn("share", "Share of those before", "share"),
    )
    return (
        Exhibit(
            key="segment-migration",
            title="Who went where",
            finding=f"{text.share_of(stayed, scored_twice)} of {text.plural(scored_twice, 'user')} scored at both cuts "
            f"are in the segment they were in on {text.day(before)}.",
            figure=draw_moves([names[one] for one in places[0]], [names[one] for one in places[1]], table),
            grid=Grid(columns, [{**row, "share": row["users"] / totals[row["before"]]} for row in rows]),
            min_width=220 + 130 * len(places[1]),
            method="From the segment on the left to the segment above, in per cent of the row. A segment keeps its id "
            "from model to model as long as its members do; one that is not, is another segment here.",
        ),
    )


_WAYS = (("before", "from"), ("now", "to"))


def order_segments(found: list[str | None], order: list[str]) -> list[str | None]:
    """Put segments into the order of today's, then those that are gone, then who was not scored."""
    known = set(found)
    gone = sorted(one for one in known if one is not None and one not in order)
    return [*(one for one in order if one in known), *gone, *([None] if None in known else [])]
