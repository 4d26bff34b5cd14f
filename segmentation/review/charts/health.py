"""Charts of the ledger."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from segmentation.review import text
from segmentation.review.charts.base import ROW, new_figure, rows_axis
from segmentation.tables.ingest_ledger import ACCEPTED, DUPLICATE, EXCLUDED, QUARANTINED, UNPARSABLE

if TYPE_CHECKING:
    from segmentation.review.frames.records import Records

_FATES = {
    ACCEPTED: "series-3",
    DUPLICATE: "series-7",
    QUARANTINED: "series-5",
    UNPARSABLE: "series-4",
    EXCLUDED: "series-6",
}

_VERDICTS = {"passed": "series-3", "not_judged": "series-7", "warned": "series-5", "failed": "series-4"}


def draw_ledger(balances: Records) -> go.Figure:
    """Show what became of every record that was read, per source."""
    rows = list(range(len(balances)))
    traces = [
        go.Bar(
            orientation="h",
            name=fate,
            y=rows,
            x=[record[fate] / record["read"] if record["read"] else 0 for record in balances],
            text=[text.count(record[fate]) for record in balances],
            hovertemplate=f"{fate}: %{{text}} records (%{{x:.2%}})<extra></extra>",
            textposition="none",
            marker={"color": f"var(--{colour})"},
        )
        for fate, colour in _FATES.items()
        if fate != EXCLUDED or any(record[fate] for record in balances)
    ]
    return new_figure(
        traces,
        height=110 + ROW * len(rows),
        xaxis={"tickformat": ".0%", "range": [0, 1], "dtick": 0.25},
        yaxis=rows_axis([record["source"] for record in balances]),
    )


def draw_checks(results: Records) -> go.Figure:
    """Show how many verdicts of each source are which."""
    sources = sorted({record["source"] for record in results})
    counted = Counter((record["source"], record["status"]) for record in results)
    rows = list(range(len(sources)))
    traces = [
        go.Bar(
            orientation="h",
            name=status.replace("_", " "),
            y=rows,
            x=[counted[source, status] for source in sources],
            hovertemplate=f"{status.replace('_', ' ')}: %{{x}}<extra></extra>",
            marker={"color": f"var(--{colour})"},
        )
        for status, colour in _VERDICTS.items()
        if any(counted[source, status] for source in sources)
    ]
    return new_figure(
        traces,
        height=110 + ROW * len(rows),
        xaxis={"title": {"text": "verdicts"}},
        yaxis=rows_axis(sources),
        showlegend=True,
    )


def draw_reasons(reasons: Records) -> go.Figure:
    """Show why records were rejected or excluded."""
    bar = go.Bar(
        orientation="h",
        y=list(range(len(reasons))),
        x=[record["records"] for record in reasons],
        text=[text.count(record["records"]) for record in reasons],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{x:,} records<extra></extra>",
        marker={"color": "var(--series-5)"},
        width=0.6,
    )
    names = [f"{record['source']} · {record['reason']}" for record in reasons]
    most = max((record["records"] for record in reasons), default=1)
    return new_figure(
        [bar],
        height=40 + ROW * len(names),
        xaxis={"visible": False, "range": [0, most * 1.2]},
        yaxis=rows_axis(names, 36),
    )
