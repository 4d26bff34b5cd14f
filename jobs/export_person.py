"""Write all rows of one person, of every table that holds rows of persons, to a JSON file. Changes no table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segmentation.checkpoints import checkpoint_counted, release_checkpoints
from segmentation.errors import ConfigurationError
from segmentation.filesystem import write_private
from segmentation.identities.erasure import find_traces
from segmentation.identities.personal_data import PERSONAL, json_rows, rows_of_person
from segmentation.ingest.snapshot import read_snapshot
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables import EVENTS, IDENTITIES

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Mapping, Sequence

    from segmentation.checkpoints import Counted
    from segmentation.tables import Table

READS = PERSONAL
WRITES: tuple[Table, ...] = ()


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the person and the file."""
    parser.add_argument("--person", required=True, help="the person, as in events.user_id")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="JSON file of this machine; a file there is replaced"
    )


def run(ctx: Context) -> RunReport:
    """Export the rows that `erase_person` would delete. The log and the report hold counts, and nothing of the person.

    Raises:
        ConfigurationError: no person is given, nothing was ingested yet, no table has a row of the person, or the
            file cannot be written.
    """
    lake, person = ctx.lake, ctx.options["person"]
    if not person:
        raise ConfigurationError("--person is empty: give a person as in events.user_id")
    lake.require(EVENTS, "ingest_events")
    with ctx.progress.step("export"), release_checkpoints(ctx.spark):
        snapshot = read_snapshot(lake)
        traces = find_traces(person, snapshot, lake.read(IDENTITIES))
        rows = rows_of_person(lake, traces, snapshot)
        counted = {table.name: checkpoint_counted(json_rows(found, table)) for table, found in rows.items()}
        counts = {name: found.count for name, found in counted.items() if found.count}
        if not counts:
            raise ConfigurationError("no table has a row of this person: give a person as in events.user_id")
        write_private(ctx.options["out"], _document({name: counted[name] for name in counts}))
    return RunReport(status="exported", quality={"names": len(traces.names), "rows": counts})


def _document(tables: Mapping[str, Counted]) -> Iterator[str]:
    """Write a JSON object line by line: table -> list of its rows, each an object with all columns."""
    yield "{"
    for number, (name, found) in enumerate(tables.items()):
        yield f'{", " if number else ""}"{name}": ['
        for row_number, row in enumerate(found.rows.toLocalIterator()):  # one partition at a time
            yield f"{',' if row_number else ' '} {row[0]}"
        yield "]"
    yield "}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
