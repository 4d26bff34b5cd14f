"""The review site: a folder of pages, one script for their charts and a CSV per table, which needs no network.

The same figures make one page with everything in it, for places that show one file at a time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from plotly.offline import get_plotlyjs, get_plotlyjs_version
from plotly.utils import PlotlyJSONEncoder

from segmentation.review import text
from segmentation.review.exhibits import Page
from segmentation.review.theme import DARK, LIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import plotly.graph_objects as go

    from segmentation.review.exhibits import Grid

TEMPLATE = "page.html.j2"
SHORT, WIDE, LONG = 28, 50, 240
"""Characters up to which text in a table cell stays on one line, from which it may break anywhere, and scrolls."""
BOM = "\ufeff"
"""Without it spreadsheets do not read a CSV as UTF-8."""
SHOWN_BREACHES = 5
"""Crossed thresholds that an exhibit lists above its table."""


@dataclass(frozen=True)
class Provenance:
    """Origin of the figures: every page shows its cut and publication on top, and the rest at its end."""

    run_id: str
    lake: str
    as_of: date | None
    versions: Mapping[str, int] = field(default_factory=dict)
    bases: Mapping[str, int] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    publication: int = 0


@dataclass(frozen=True)
class Plotly:
    """The script that draws charts; its name tells its version, so that pages of two versions do not mix."""

    name: str
    script: Markup


def render_site(pages: Sequence[Page], provenance: Provenance) -> dict[str, str]:
    """Render the site: file name -> content. Equal pages and provenance give equal files: the clock is not in them."""
    plotly = _plotly()
    exhibits = [exhibit for page in pages for exhibit in page.exhibits]
    return {
        plotly.name: str(plotly.script),
        **{f"{exhibit.key}.csv": BOM + exhibit.grid.csv() for exhibit in exhibits},
        **{page.file: _render(page, provenance, pages) for page in pages},
    }


def render_one_page(pages: Sequence[Page], provenance: Provenance) -> str:
    """Render everything as one self-contained page, its tables and its script inside."""
    sections = tuple(section for page in pages for section in page.sections)
    return _render(Page("review", "All pages", "The whole review in one file.", sections), provenance, ())


def figure_json(figure: go.Figure) -> Markup:
    """Write a figure as JSON that cannot end the script element it stands in."""
    written = json.dumps(figure.to_plotly_json(), cls=PlotlyJSONEncoder, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return Markup(written)  # noqa: S704  escaped above


def csv_uri(grid: Grid) -> str:
    """Return a table as a `data:` URI."""
    return "data:text/csv;charset=utf-8," + quote(BOM + grid.csv())


def _render(page: Page, provenance: Provenance, pages: Sequence[Page]) -> str:
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            page=page,
            pages=pages,
            provenance=provenance,
            parameters=json.dumps(provenance.parameters, indent=2, sort_keys=True, default=str),
            themes={"light": LIGHT, "dark": DARK},
            style=Markup(_template_text("page.css")),  # noqa: S704  our own file
            script=_script(_template_text("page.js")),
            plotly=_plotly() if any(exhibit.figure for exhibit in page.exhibits) else None,
            nonce=_nonce(page, provenance),
        )
    )


def _nonce(page: Page, provenance: Provenance) -> str:
    """Return the word by which the content security policy admits our scripts and no others.

    It hangs on everything that the page shows: no name in the data can hold it. A hash of the script itself would
    do, but browsers do not check that of a file beside the page.
    """
    seen = "\n".join([provenance.run_id, page.key, *(exhibit.grid.csv() for exhibit in page.exhibits)])
    return hashlib.sha256(seen.encode()).hexdigest()


def _script(source: str) -> Markup:
    """Let a script of our own, or plotly's, stand in a page unescaped."""
    if "</script" in source.lower():
        raise ValueError("a script that holds a closing script tag cannot stand in a page")
    return Markup(source)  # noqa: S704  not data


@cache
def _plotly() -> Plotly:
    return Plotly(f"plotly-{get_plotlyjs_version()}.min.js", _script(get_plotlyjs()))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("segmentation.review"),
        autoescape=select_autoescape(["html", "j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        csv_uri=csv_uri,
        figure_json=figure_json,
        text=text,
        long=LONG,
        short=SHORT,
        wide=WIDE,
        len=len,
        shown_breaches=SHOWN_BREACHES,
    )
    return environment


def _template_text(name: str) -> str:
    environment = _environment()
    if environment.loader is None:
        raise ValueError("the templates of the pages are not installed")
    return environment.loader.get_source(environment, name)[0]
