"""Purchases and refunds by their order: what tells which event of an order counts."""

from segmentation.tables.events import EVENTS, JUDGED, ORDER
from segmentation.tables.table import Table

_COLUMNS = (
    "unit_id",
    "record_no",
    "event_date",
    "order_id",
    "transaction_kind",
    "refund_id",
    "value",
    "currency",
    *ORDER,
    *JUDGED,
)

ORDER_EVENTS = Table(
    name="order_events",
    grain="an accepted purchase or refund with an order id; a copy of columns of `events`",
    key=("unit_id", "record_no"),
    columns=tuple(column for column in EVENTS.columns if column.name in _COLUMNS),
    clustered_by=("received_at",),
    deletion_vectors=True,
    written_by="ingest_events",
)
