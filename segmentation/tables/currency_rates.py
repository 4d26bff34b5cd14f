"""The exchange rates that the stored sums were made with."""

from segmentation.tables.table import DAY, RATE, STRING, Column, Table

CURRENCY_RATES = Table(
    name="currency_rates",
    grain="a currency and a day on which its rate changed",
    key=("currency", "since"),
    columns=(
        Column("currency", STRING, "ISO 4217 code"),
        Column("since", DAY, "first day on which the rate holds, until the currency's next one"),
        Column("rate", RATE, "units of the reporting currency for one unit"),
    ),
    written_by="ingest_events",
)
