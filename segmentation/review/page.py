"""The review page: one HTML file with everything in it, which needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from plotly.offline import get_plotlyjs
from plotly.utils import PlotlyJSONEncoder

from segmentation.review import text
from segmentation.review.sections.cohorts import build_cohorts
from segmentation.review.sections.features import build_features
from segmentation.review.sections.health import build_health
from segmentation.review.sections.journeys import build_journeys
from segmentation.review.sections.lifecycle import build_lifecycle
from segmentation.review.sections.monitoring import build_monitoring
from segmentation.review.sections.overview import build_overview
from segmentation.review.sections.propensity import build_propensity
from segmentation.review.sections.segments import build_segments
from segmentation.review.sections.sessions import build_sessions
from segmentation.review.theme import DARK, LIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    import plotly.graph_objects as go

    from segmentation.review.exhibits import Grid, Section
    from segmentation.review.frames.records import Records
    from segmentation.review.sections.reading import Reading

PAGE = "page.html.j2"
WIDE, LONG = 50, 240
"""Characters from which text in a table cell may break anywhere, and from which it scrolls."""


@dataclass(frozen=True)
class Provenance:
    """Where the page's figures come from: shown at its end."""

    run_id: str
    lake: str
    as_of: date | None
    versions: Mapping[str, int] = field(default_factory=dict)
    bases: Mapping[str, int] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


def build_sections(
    reading: Reading,
    calibration: Mapping[str, Records] | None = None,
    trainings: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Section, ...]:
    """Build all sections in the page's order; a section whose tables are missing says which job fills them."""
    return (
        build_overview(reading),
        build_health(reading),
        build_monitoring(reading),
        build_sessions(reading),
        build_journeys(reading),
        *build_lifecycle(reading),
        build_segments(reading),
        build_cohorts(reading),
        build_propensity(reading, calibration or {}, trainings or {}),
        *build_features(reading),
    )


def render_page(sections: Iterable[Section], provenance: Provenance) -> str:
    """Render the page. Equal sections and provenance give equal pages: the clock is not in it."""
    environment = _environment()
    plotly = Script(get_plotlyjs())
    script = Script(_template_text("page.js"))
    return environment.get_template(PAGE).render(
        sections=list(sections),
        provenance=provenance,
        parameters=json.dumps(provenance.parameters, indent=2, sort_keys=True, default=str),
        themes={"light": LIGHT, "dark": DARK},
        style=Markup(_template_text("page.css")),  # noqa: S704  our own file
        plotly=plotly,
        script=script,
    )


def list_files(sections: Iterable[Section]) -> dict[str, str]:
    """Return the tables beside the page: file name -> CSV."""
    return {f"{exhibit.key}.csv": exhibit.grid.csv() for section in sections for exhibit in section.exhibits}


class Script:
    """A script of our own or plotly's, which the page's content security policy admits by its hash."""

    def __init__(self, source: str) -> None:
        """Take the source as the browser will hash it."""
        self.source = source.replace("\r\n", "\n").replace("\r", "\n")
        if "</script" in self.source.lower():
            raise ValueError("a script that holds a closing script tag cannot stand in a page")

    @property
    def digest(self) -> str:
        """The hash for `script-src`."""
        return "sha256-" + base64.b64encode(hashlib.sha256(self.source.encode()).digest()).decode()

    def __html__(self) -> str:
        """Stand in a template unescaped."""
        return self.source


def figure_json(figure: go.Figure) -> Markup:
    """Write a figure as JSON that cannot end the script element it stands in."""
    written = json.dumps(figure.to_plotly_json(), cls=PlotlyJSONEncoder, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return Markup(written)  # noqa: S704  escaped above


def csv_uri(grid: Grid) -> str:
    """Return a table as a `data:` URI."""
    return "data:text/csv;charset=utf-8," + quote("\ufeff" + grid.csv())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("segmentation.review"),
        autoescape=select_autoescape(["html", "j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(csv_uri=csv_uri, figure_json=figure_json, text=text, long=LONG, wide=WIDE, len=len)
    return environment


def _template_text(name: str) -> str:
    environment = _environment()
    if environment.loader is None:
        raise ValueError("the page's templates are not installed")
    return environment.loader.get_source(environment, name)[0]
