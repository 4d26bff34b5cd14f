"""Contract of `count_comparisons`: events of a source beside an outside count of them."""

from segmentation.tables.table import COUNT, DAY, FLAG, INSTANT, STRING, WHOLE, Column, Table

_NOT_GROUPED = "null: the outside count is not grouped by it"
_NO_EVENT = "null: there is no event here"
_NO_TIME = "null: the outside count has no such time, or no event"

COUNT_COMPARISONS = Table(
    name="count_comparisons",
    grain="source x cut x cell of the outside count",
    key=("source", "as_of", "event_date", "hour", "platform", "event_name", "channel"),
    columns=(
        Column("source", STRING, "source whose events were counted"),
        Column("counts", STRING, "file or folder of the outside count"),
        Column("as_of", DAY, "cut, exclusive: days of the last 72 hours before it are settling"),
        Column("event_date", DAY, "day"),
        Column("hour", WHOLE, f"hour of the day in the reporting zone; {_NOT_GROUPED}", nullable=True),
        Column("platform", STRING, f"platform; {_NOT_GROUPED}", nullable=True),
        Column("event_name", STRING, f"name of the event; {_NOT_GROUPED}", nullable=True),
        Column("channel", STRING, f"channel; {_NOT_GROUPED}, or the event has none", nullable=True),
        Column("events", COUNT, "accepted events here"),
        Column("counted", COUNT, "events of the outside count"),
        Column("difference", COUNT, "events less counted"),
        Column("first_at", INSTANT, f"first event here; {_NO_EVENT}", nullable=True),
        Column("last_at", INSTANT, f"last event here; {_NO_EVENT}", nullable=True),
        Column("counted_first_at", INSTANT, f"first event of the outside count; {_NO_TIME}", nullable=True),
        Column("counted_last_at", INSTANT, f"last event of the outside count; {_NO_TIME}", nullable=True),
        Column("settling", FLAG, "whether the source may still deliver events of the day"),
        Column("other_times", FLAG, "whether both sides have times, and the first or last second differs"),
    ),
    clustered_by=("as_of",),
    written_by="reconcile_counts",
)
