"""Define pages, their sections and exhibits; an exhibit is a table, mostly with a chart of the same figures."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import plotly.graph_objects as go

from segmentation.review import text
from segmentation.review.theme import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from segmentation.review.frames.records import Record, Records

Kind = Literal["text", "code", "path", "count", "share", "bar", "number", "seconds", "status"]
_FORMATS: dict[str, Callable[[Any], str]] = {
    "count": text.count,
    "share": text.share,
    "bar": text.share,
    "number": text.number,
    "seconds": text.seconds,
}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class GridColumn:
    """A column of a table: the key of its values in the records, its heading, and how values are written."""

    key: str
    title: str
    kind: Kind = "text"

    @property
    def numeric(self) -> bool:
        """Return whether values are right-aligned."""
        return self.kind in _FORMATS

    def show(self, record: Record) -> str:
        """Write the record's value for readers; a dash where there is none."""
        value = record.get(self.key)
        if value is None or value == "":
            return text.DASH
        return _FORMATS[self.kind](value) if self.kind in _FORMATS else str(value)


@dataclass(frozen=True)
class Grid:
    """A table: what a chart shows, exact and complete."""

    columns: tuple[GridColumn, ...]
    records: Records

    def csv(self) -> str:
        """Write the unrounded values as CSV; text that a spreadsheet would run as a formula gets an apostrophe."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([column.key for column in self.columns])
        writer.writerows([_inert(record.get(column.key)) for column in self.columns] for record in self.records)
        return out.getvalue()

    def frame(self) -> pd.DataFrame:
        """Return the unrounded values, for notebooks."""
        rows = [{column.title: record.get(column.key) for column in self.columns} for record in self.records]
        return pd.DataFrame(rows, columns=[column.title for column in self.columns])


@dataclass(frozen=True)
class Exhibit:
    """A finding: a sentence that says it, the chart, and the table with the same figures."""

    key: str
    title: str
    finding: str
    grid: Grid
    figure: go.Figure | None = None
    method: str = ""
    """Method by which the figures were computed."""
    min_width: int = 0
    """Pixels below which the chart scrolls sideways instead of shrinking."""
    open_table: bool = False
    """Whether the table is shown at once (exhibits without a chart)."""
    crossed: tuple[str, ...] = ()
    """A sentence for every threshold that is crossed: shown in red here and on the overview."""

    def light_figure(self) -> go.Figure | None:
        """Return the chart with the colours of the light page, for notebooks."""
        return None if self.figure is None else go.Figure(resolve(self.figure.to_plotly_json()))

    def shown(self) -> go.Figure | pd.DataFrame:
        """Return the chart, or the table where there is none, for notebooks."""
        figure = self.light_figure()
        return self.grid.frame() if figure is None else figure


@dataclass(frozen=True)
class Card:
    """A short portrait: of a figure, or of a segment."""

    title: str
    value: str
    note: str = ""
    lines: tuple[tuple[str, ...], ...] = ()
    status: str = ""
    tone: str = ""
    """The card's colour, where it has one."""


@dataclass(frozen=True)
class Note:
    """A sentence of the overview, and the exhibit that its figures come from."""

    title: str
    text: str
    about: str
    """Title of the page, as the link's words."""
    file: str
    anchor: str
    crossed: bool = False


@dataclass(frozen=True)
class Offer:
    """Exhibits of a job that runs on demand and has not run yet."""

    job: str
    what: str


@dataclass(frozen=True)
class Section:
    """A chapter of a page."""

    key: str
    title: str
    lead: str
    exhibits: tuple[Exhibit, ...] = ()
    cards: tuple[Card, ...] = ()
    missing: tuple[str, ...] = field(default=())
    """Jobs that would fill what is not there yet."""
    offers: tuple[Offer, ...] = ()
    """Jobs on demand that would add to it; it is whole without them."""
    notes: tuple[Note, ...] = ()

    def __getitem__(self, key: str) -> Exhibit:
        """Return an exhibit by its key."""
        found = {exhibit.key: exhibit for exhibit in self.exhibits}
        if key not in found:
            raise KeyError(f"section '{self.key}' has no exhibit '{key}': {', '.join(found) or 'it is empty'}")
        return found[key]

    def kind(self, prefix: str) -> tuple[Exhibit, ...]:
        """Return the exhibits whose keys begin with `prefix`, of which there may be none: a funnel each, say."""
        return tuple(exhibit for exhibit in self.exhibits if exhibit.key.startswith(prefix))


@dataclass(frozen=True)
class Page:
    """A page of the site."""

    key: str
    """Name of its file without the ending."""
    title: str
    question: str
    """Question that the page answers, in a sentence."""
    sections: tuple[Section, ...]
    quoted: tuple[str, ...] = ()
    """Exhibits whose findings the overview quotes."""

    @property
    def file(self) -> str:
        """The page's file in the site's folder."""
        return f"{self.key}.html"

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """All exhibits, in their order."""
        return tuple(exhibit for section in self.sections for exhibit in section.exhibits)

    @property
    def crossed(self) -> tuple[str, ...]:
        """A sentence for every threshold that is crossed."""
        return tuple(sentence for exhibit in self.exhibits for sentence in exhibit.crossed)


def _inert(value: object) -> object:
    if isinstance(value, list):
        value = " → ".join(map(str, value))
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value
