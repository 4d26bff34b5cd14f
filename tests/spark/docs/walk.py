"""Run the records of docs/how-it-works.md through the ingest job, and write what each step returns into the page.

`python -m tests.spark.docs.walk` rewrites the output blocks of the page. A test fails if they are not current.
"""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from pyspark.sql import functions as F

from jobs import ingest_events
from segmentation.ingest import plan
from segmentation.runtime import ingestion
from segmentation.runtime.main import open_context
from segmentation.runtime.session import open_session
from segmentation.tables import (
    DUPLICATES,
    EVENTS,
    INGEST_LEDGER,
    INPUT_UNITS,
    QUARANTINE,
    SESSIONS,
    TRANSITIONS,
    USER_DAYS,
)
from segmentation.tables.ingest_ledger import PARSED, READ
from tests.conftest import PROJECT, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from segmentation.ingest.candidates import Candidates
    from segmentation.ingest.changes import TableChange
    from segmentation.ingest.deduplicate import Outcome
    from segmentation.ingest.index import Index
    from segmentation.ingest.plan import Increment
    from segmentation.ingest.resessionise import Resessioned
    from segmentation.ingest.user_day_cap import Admitted
    from segmentation.runtime.context import Context

PAGE = PROJECT / "docs" / "how-it-works.md"
BLOCK = re.compile(r"(?<=<!-- output: )([\w ]+)( -->\n).*?(?=<!-- end of output -->)", re.DOTALL)

MAPPING = """\
format: csv
fields:
  event_id: id
  user_id: user
  event_name: event
  event_at: at
  received_at: received
  value: value
supersede:
  key: 'shop_([0-9-]+)_v'
  version: '_v([0-9])'
"""
HEADER = "id,user,event,at,received,value\n"
FILES = {
    "shop_2024-05-01_v1.csv": HEADER
    + "e1,anna,view,2024-05-01 10:00:00,2024-05-01 10:00:00,\n"
    + "e3,anna,purchase,2024-05-01 10:50:00,2024-05-01 10:50:00,20\n",
    "app_resent.csv": HEADER
    + "e1,anna,view,2024-05-01 10:00:00,2024-05-01 12:00:00,\n"
    + "e3,anna,purchase,2024-05-01 10:50:00,2024-05-01 12:00:00,25\n"
    + "e2,anna,cart,2024-05-01 10:25:00,2024-05-01 12:00:00,\n",
    "shop_2024-05-01_v2.csv": HEADER + "e1,anna,view,2024-05-01 10:00:00,2024-05-01 10:00:00,\n",
}
"""The input unit of each batch, in the order of receipt."""
OVERRIDES = ("ingest.small_lake_mb=0",)
"""Change tables in place, as in a large lake."""

TABLES = {
    EVENTS: ("event_id", "event_name", "event_at", "value", "session_id", "previous_state", "gap_s", "unit_id"),
    SESSIONS: ("session_id", "started_at", "ended_at", "events", "converted", "value"),
    USER_DAYS: ("user_id", "event_date", "events", "sessions", "purchases", "purchase_value"),
    TRANSITIONS: ("session_date", "from_state", "to_state", "transitions", "users"),
    DUPLICATES: ("event_id", "received_at", "payload_hash", "unit_id"),
    QUARANTINE: ("event_id", "received_at", "reason", "survivor_hash", "unit_id"),
    INGEST_LEDGER: ("unit_id", "event_date", "event_name", "stage", "reason", "records"),
    INPUT_UNITS: ("unit_id", "format", "bytes", "superseded_by"),
}
"""Columns of each table that the page shows."""
SHORTENED = ("session_id", "payload_hash", "survivor_hash")
SHOWN_AS = {"unit_id": "file", "superseded_by": "superseded by"}


def ingest_walk(spark: SparkSession, folder: Path) -> dict[str, str]:
    """Ingest the files, a batch each, into a new lake in `folder`; return the output blocks of the page by name."""
    walk = Walk(spark, folder)
    for number, (name, content) in enumerate(FILES.items(), start=1):
        walk.ingest(number, name, content)
    return walk.render()


class Walk:
    """The output of every step of every batch."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        """Write the configuration; nothing is ingested yet."""
        self._spark = spark
        self._folder = folder
        self._prefix = ""
        self._blocks: dict[str, Any] = {"mapping": fenced(MAPPING, "yaml")}
        self._file_of: dict[str, str] = {}
        (folder / "conf" / "sources").mkdir(parents=True)
        (folder / "conf" / "sources" / "shop.yaml").write_text(MAPPING)
        for file in ("base.yaml", "local.yaml"):
            (folder / "conf" / file).write_text("")

    def ingest(self, number: int, name: str, content: str) -> None:
        """Run the ingest job on a file and note the value of every step and all tables."""
        self._prefix = f"batch {number} "
        path = self._folder / "landed" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        self._note("file", fenced(content, "csv"))
        context = self._context(path)
        with self._observed():
            report = ingest_events.run(context)
        units = context.lake.read(INPUT_UNITS).collect()
        self._file_of = {row["unit_id"]: row["path"].rsplit("/", 1)[1] for row in units}
        self._note("report", fenced("\n".join([*report.notes, json.dumps(report.quality)]) + "\n", "text"))
        for table, columns in TABLES.items():
            self._note(table.name, rows_of(without_totals(context.lake.read(table)), *columns))
        published = context.lake.publications.current()
        names = [table.name for table in TABLES]
        row = {"publication": published.number} | {name: published.tables.get(name) for name in names}
        self._note("publication", [row])

    def render(self) -> dict[str, str]:
        """Return the blocks as text; units are shown by the name of their file."""
        return {
            name: block if isinstance(block, str) else self._as_table(block) for name, block in self._blocks.items()
        }

    def _context(self, path: Path) -> Context:
        return open_context(
            conf_dir=self._folder / "conf",
            lake=str(self._folder / "lake"),
            overrides=OVERRIDES,
            options={"source": "shop", "input": [str(path)]},
            spark=self._spark,
        )

    def _note(self, name: str, block: Any) -> None:
        self._blocks[self._prefix + name] = block

    @contextmanager
    def _observed(self) -> Iterator[None]:
        """Note the value of every step; checkpoints are released when the batch is written, so read them before."""
        shown = {
            "index_records": self._index,
            "find_candidates": self._candidates,
            "deduplicate": self._outcome,
            "admit_events": self._admitted,
            "resessionise": self._resessioned,
        }
        with ExitStack() as stack:
            for name, show in shown.items():
                stack.enter_context(mock.patch.object(plan, name, observed(getattr(plan, name), show)))
            planned = observed(ingestion.plan_increment, self._increment)
            stack.enter_context(mock.patch.object(ingestion, "plan_increment", planned))
            yield

    def _index(self, index: Index) -> None:
        self._note(
            "index", rows_of(index.rows, "row_key", "identity_hash", "user_hash", "event_at", "rejected", "late")
        )

    def _candidates(self, candidates: Candidates) -> None:
        self._note("candidates", rows_of(candidates.hashes.rows, "identity_hash"))

    def _outcome(self, outcome: Outcome) -> None:
        parts = {name: getattr(outcome, name).rows for name in ("rejected", "late", "duplicates", "conflicts")}
        self._note("outcome", labelled(parts, "event_id", "received_at", "unit_id", "record_no"))
        self._note(
            "changed", rows_of(outcome.changed.rows, "event_id", "unit_id", "record_no", "stored_outcome", "outcome")
        )

    def _admitted(self, admitted: Admitted) -> None:
        parts = {
            "from_batch": admitted.from_batch,
            "from_earlier": admitted.from_earlier.rows,
            "removed": admitted.removed.rows,
        }
        self._note("admitted", labelled(parts, "user_id", "event_at", "unit_id", "record_no"))

    def _resessioned(self, resessioned: Resessioned) -> None:
        self._note("touched", rows_of(resessioned.sessions.rows, "session_id", "started_at", "ended_at", "events"))
        columns = (
            "event_id",
            "event_at",
            "session_id",
            "session_started_at",
            "previous_state",
            "gap_s",
            "ends_session",
        )
        self._note("resessioned", rows_of(resessioned.events, *columns))

    def _increment(self, increment: Increment) -> None:
        self._note("changes", [described(change) for change in increment.changes])

    def _as_table(self, rows: Sequence[dict[str, Any]]) -> str:
        if not rows:
            return "(no rows)\n"
        heads = [SHOWN_AS.get(name, name) for name in rows[0]]
        cells = sorted([[self._cell(value) for value in row.values()] for row in rows])
        lines = [heads, ["---"] * len(heads), *cells]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def _cell(self, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        return self._file_of.get(value, str(value)) if isinstance(value, str) else str(value)


def observed(run: Callable[..., Any], note: Callable[[Any], None]) -> Callable[..., Any]:
    """Return `run` with every value that it returns noted."""

    @wraps(run)
    def run_and_note(*args: Any, **kwargs: Any) -> Any:
        value = run(*args, **kwargs)
        note(value)
        return value

    return run_and_note


def labelled(parts: dict[str, DataFrame], *columns: str) -> list[dict[str, Any]]:
    """Read the rows of several frames, each with the name of its field."""
    return [{"field": name, **row} for name, frame in parts.items() for row in rows_of(frame, *columns)]


def described(change: TableChange) -> dict[str, Any]:
    """Describe the ways in which a table is changed, by numbers of keys or rows."""
    deleted = (f"{deletion.keys.count()} by {'+'.join(deletion.on)}" for deletion in change.deletions)
    rows, added = (None if frame is None else frame.count() for frame in (change.rows, change.corrections))
    replaces = change.replaces is not None
    return {
        "table": change.table.name,
        "delete": ", ".join(deleted),
        "append": None if replaces else rows,
        "add": added,
        "replace": f"{rows} where {change.replaces}" if replaces else None,
    }


def without_totals(frame: DataFrame) -> DataFrame:
    """Leave out the ledger's counts of all records as read and as parsed."""
    return frame.where(~F.col("stage").isin(READ, PARSED)) if "stage" in frame.columns else frame


def rows_of(frame: DataFrame, *columns: str) -> list[dict[str, Any]]:
    """Read columns as the page shows them: times without date, ids shortened."""
    rows = frame.select(*(shown(frame, name) for name in columns)).collect()
    return [row.asDict() for row in rows]


def shown(frame: DataFrame, name: str) -> Column:
    if frame.schema[name].dataType.typeName() == "timestamp":
        return F.date_format(name, "HH:mm").alias(name)
    if frame.schema[name].dataType.typeName() == "decimal":
        return F.col(name).cast("decimal(18,2)").alias(name)
    return F.substring(name, 1, 6).alias(name) if name in SHORTENED else F.col(name)


def fenced(text: str, language: str) -> str:
    """Return a code block."""
    return f"```{language}\n{text}```\n"


def with_blocks(page: str, blocks: dict[str, str]) -> str:
    """Return the page with the content of every output block replaced; KeyError: no step has such an output."""
    return BLOCK.sub(lambda found: f"{found[1]}{found[2]}{blocks[found[1]]}", page)


def main() -> None:
    """Rewrite the output blocks of the page."""
    spark = open_session("how-it-works", SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        blocks = ingest_walk(spark, Path(folder))
    spark.stop()
    PAGE.write_text(with_blocks(PAGE.read_text(), blocks))


if __name__ == "__main__":
    main()
