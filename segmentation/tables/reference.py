"""Writes docs/tables.md from the contracts: `python -m segmentation.tables.reference > docs/tables.md`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import segmentation.tables
from segmentation.tables.table import Column, Table

HEAD = """# Tables

Generated from the contracts in `segmentation/tables` (`python -m segmentation.tables.reference > docs/tables.md`).
All are Delta tables at `<lake>/<table>`. Instants are UTC, days are days of the reporting zone.
"""
INTERNAL = ("parsed_records",)


def all_tables() -> list[Table]:
    """Return every stored table's contract, by name."""
    modules = [
        importlib.import_module(m.name)
        for m in pkgutil.iter_modules(segmentation.tables.__path__, "segmentation.tables.")
    ]
    found = {value.name: value for module in modules for value in vars(module).values() if isinstance(value, Table)}
    return [found[name] for name in sorted(found) if name not in INTERNAL]


def tables_page() -> str:
    """Return the page in Markdown: a section per table, a row per column."""
    return HEAD + "".join(_section(table) for table in all_tables())


def _section(table: Table) -> str:
    rows = "".join(_row(column) for column in table.columns)
    about = f"A row is {table.grain}; key `{', '.join(table.key)}`. Written by {table.written_by}."
    return f"\n## {table.name}\n\n{about}\n\n| column | type | null | meaning |\n|---|---|---|---|\n{rows}"


def _row(column: Column) -> str:
    kind, null = column.type.simpleString(), "yes" if column.nullable else ""
    return f"| `{column.name}` | {kind} | {null} | {column.description} |\n"


if __name__ == "__main__":
    sys.stdout.write(tables_page())
