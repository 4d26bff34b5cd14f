"""The same 3,000 orders, written by ten programs: each drafted mapping gives the same events."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import check_source
from segmentation.sources.mapping import load_mapping
from tests.spark.sources.reading import parse_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.spark.jobs.conftest import Workspace

pytestmark = [pytest.mark.spark, pytest.mark.faults]

ORDERS = 3_000
NOTES = ("", "", 'called "again"', "Grüße; bitte klingeln", "one, two", "5 € | Rabatt")


class Order(NamedTuple):
    number: str
    customer: str
    action: str
    at: datetime
    amount: Decimal
    note: str


def draw_orders() -> list[Order]:
    rng = random.Random(20_24)
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    return [
        Order(
            f"A{100_000 + number}",
            f"K-{rng.randint(1, 700):04}",
            "return" if rng.random() < 0.1 else "purchase",
            start + timedelta(minutes=number * 97 + rng.randint(0, 90), seconds=rng.randint(0, 59)),
            Decimal(rng.randint(100, 250_000)) / 100,
            rng.choice(NOTES),
        )
        for number in range(ORDERS)
    ]


def european(amount: Decimal) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


def table(orders: Iterable[Order], names: str, row: Callable[[Order], tuple[Any, ...]], **dialect: Any) -> str:
    """Write orders as CSV with a header."""
    text = io.StringIO()
    writer = csv.writer(text, **dialect)
    writer.writerow(names.split("|"))
    writer.writerows(map(row, orders))
    return text.getvalue()


def excel_german(folder: Path, orders: list[Order]) -> Path:
    """Semicolons, decimal commas, dates with points, windows-1252."""
    text = table(
        orders,
        "Belegnummer|Kundennummer|Vorgang|Datum|Betrag|Bemerkung",
        lambda o: (o.number, o.customer, o.action, f"{o.at:%d.%m.%Y %H:%M:%S}", european(o.amount), o.note),
        delimiter=";",
    )
    path = folder / "Aufträge [Export].csv"
    path.write_bytes(text.encode("cp1252"))
    return path


def excel_american(folder: Path, orders: list[Order]) -> Path:
    """Commas, a byte order mark, dates without leading zeros and a clock of twelve hours."""

    def clock(at: datetime) -> str:
        return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {at:%p}"

    text = table(
        orders,
        "Order ID|Customer No|Action|Order Date|Amount|Comment",
        lambda o: (o.number, o.customer, o.action, clock(o.at), f"{o.amount:.2f}", o.note),
    )
    path = folder / "orders.csv"
    path.write_bytes(text.encode("utf-8-sig"))
    return path


def excel_unicode(folder: Path, orders: list[Order]) -> Path:
    """Spanish, tabs, UTF-16, day and time of day in two columns."""
    text = table(
        orders,
        "Pedido|Cliente|Evento|Fecha|Hora|Importe|Nota",
        lambda o: (
            o.number, o.customer, o.action, f"{o.at:%d/%m/%Y}", f"{o.at:%H:%M:%S}", european(o.amount), o.note
        ),
        delimiter="\t",
    )  # fmt: skip
    path = folder / "pedidos.txt"
    path.write_bytes(text.encode("utf-16"))
    return path


def pandas_csv(folder: Path, orders: list[Order]) -> Path:
    """A nameless first column, compressed."""
    frame = pd.DataFrame([order._asdict() for order in orders])
    frame["at"] = frame["at"].dt.tz_localize(None)
    frame["amount"] = frame["amount"].astype(float)
    path = folder / "frame.csv.gz"
    frame.rename(columns={"number": "order", "action": "event"}).to_csv(path)
    return path


def pandas_parquet(folder: Path, orders: list[Order]) -> Path:
    """Timestamps in nanoseconds, amounts in floating point."""
    frame = pd.DataFrame([order._asdict() for order in orders])
    frame["amount"] = frame["amount"].astype(float)
    path = folder / "frame.parquet"
    frame.rename(columns={"action": "event_name", "customer": "customer_id"}).to_parquet(path)
    return path


def spark_csv(folder: Path, orders: list[Order]) -> Path:
    """Part files with backslash escapes, ISO times, zstd."""
    (folder / "out").mkdir()
    for part in range(2):
        text = table(
            orders[part::2],
            "order_no|customer_id|event_type|event_time|revenue|note",
            lambda o: (o.number, o.customer, o.action, f"{o.at:%Y-%m-%dT%H:%M:%S.000Z}", o.amount, o.note),
            escapechar="\\",
            doublequote=False,
        )
        with pa.CompressedOutputStream(str(folder / "out" / f"part-0000{part}.csv.zst"), "zstd") as file:
            file.write(text.encode())
    (folder / "out" / "_SUCCESS").touch()
    return folder / "out"


def spark_parquet(folder: Path, orders: list[Order]) -> Path:
    """A folder for each event name, decimals, microseconds."""
    for action in ("purchase", "return"):
        chosen = [order for order in orders if order.action == action]
        columns = {
            "id": [o.number for o in chosen],
            "user_id": [o.customer for o in chosen],
            "created_at": pa.array([o.at for o in chosen], pa.timestamp("us", "UTC")),
            "amount": pa.array([o.amount for o in chosen], pa.decimal128(12, 2)),
            "note": [o.note or None for o in chosen],
        }
        path = folder / "orders" / f"event_name={action}" / "part-0.snappy.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table(columns), path)
    return folder / "orders"


def erp(folder: Path, orders: list[Order]) -> Path:
    """French, two bars between fields, nothing quoted, compact dates, ISO-8859-1."""
    lines = ["No pièce||Code client||Évènement||Date commande||Montant"]
    lines += [f"{o.number}||{o.customer}||{o.action}||{o.at:%Y%m%d %H:%M:%S}||{o.amount:.2f}" for o in orders]
    path = folder / "COMMANDES.TXT"
    path.write_bytes("\r\n".join(lines).encode("latin-1"))
    return path


def json_lines(folder: Path, orders: list[Order]) -> Path:
    """Times in milliseconds since 1970, compressed."""
    rows = (
        {"uuid": o.number, "distinct_id": o.customer, "event": o.action, "timestamp": int(o.at.timestamp() * 1000),
         "value": float(o.amount), "note": o.note or None}
        for o in orders
    )  # fmt: skip
    path = folder / "events.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return path


def italian_till(folder: Path, orders: list[Order]) -> Path:
    """Italian, semicolons, dates with dashes, a column of row numbers, blanks between thousands."""
    numbers = {order.number: place for place, order in enumerate(orders, 1)}
    text = table(
        orders,
        "Riga|Scontrino|Codice cliente|Azione|Data ora|Importo|Nota",
        lambda o: (
            numbers[o.number], o.number, o.customer, o.action, f"{o.at:%d-%m-%Y %H:%M:%S}",
            european(o.amount).replace(".", "\u00a0"), o.note,
        ),
        delimiter=";",
        quoting=csv.QUOTE_ALL,
    )  # fmt: skip
    path = folder / "vendite.CSV"
    path.write_text(text, encoding="utf-8")
    return path


EXPORTS = (
    excel_german, excel_american, excel_unicode, pandas_csv, pandas_parquet, spark_csv, spark_parquet, erp, json_lines,
    italian_till,
)  # fmt: skip


@pytest.mark.parametrize("write", EXPORTS, ids=[write.__name__ for write in EXPORTS])
def test_a_drafted_mapping_gives_the_events(workspace: Workspace, write: Callable[[Path, list[Order]], Path]) -> None:
    orders = draw_orders()
    folder = workspace.folder / "in"
    folder.mkdir()
    path = write(folder, orders)
    outcome = workspace.run(check_source, "--source", "orders", "--input", str(path), "--infer")
    assert outcome.code == 0, outcome.stderr
    found = outcome.result["quality"]
    assert (found["records"], found["accepted"], found["identities"]) == (ORDERS, ORDERS, ORDERS), outcome.stderr
    rows = parse_files(workspace.spark, load_mapping(workspace.folder / "conf", "orders"), path)
    events = {
        (row["event_id"], row["user_id"], row["event_name"], row["event_at"].astimezone(timezone.utc), row["value"])
        for row in rows
    }
    assert events == {(o.number, o.customer, o.action, o.at, o.amount) for o in orders}
