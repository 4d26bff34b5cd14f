"""Charts of what is monitored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from segmentation.review import text
from segmentation.review.charts.base import ROW, new_figure, rows_axis

if TYPE_CHECKING:
    from segmentation.review.frames.records import Records

_VERDICTS = {"breach": "series-5", "ok": "series-1", "info": "series-7"}
_PARTS = {
    "psi_mix": ("by other shares of segments", "diamond-open"),
    "psi_within": ("within segments", "circle-open"),
}


def draw_drift(drift: Records) -> go.Figure:
    """Show how far every distribution has moved, and by which part."""
    rows = list(range(len(drift)))
    bars = [
        go.Bar(
            orientation="h",
            name=status,
            y=[n for n in rows if drift[n]["status"] == status],
            x=[record["psi"] for record in drift if record["status"] == status],
            text=[text.number(record["psi"]) for record in drift if record["status"] == status],
            textposition="none",
            hovertemplate="stability index %{text}<extra></extra>",
            marker={"color": f"var(--{colour})"},
            width=0.6,
        )
        for status, colour in _VERDICTS.items()
        if any(record["status"] == status for record in drift)
    ]
    marks = [
        go.Scatter(
            mode="markers",
            name=name,
            x=[record[part] for record in drift],
            y=rows,
            hovertemplate=f"{name}: %{{x:.3g}}<extra></extra>",
            marker={"symbol": symbol, "size": 10, "color": "var(--ink)", "line": {"width": 1.5}},
        )
        for part, (name, symbol) in _PARTS.items()
    ]
    return new_figure(
        [*bars, *marks],
        height=130 + ROW * len(rows),
        xaxis={"title": {"text": "stability index"}, "rangemode": "tozero"},
        yaxis=rows_axis([record["name"] for record in drift], 40),
    )


def draw_rates(rates: Records) -> go.Figure:
    """Show each rate's difference from what was expected, with its interval."""
    known = [record for record in rates if record["difference"] is not None]
    traces = [
        go.Scatter(
            mode="markers",
            name=status,
            x=[record["difference"] for record in known if record["status"] == status],
            y=[n for n, record in enumerate(known) if record["status"] == status],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [r["difference_upper"] - r["difference"] for r in known if r["status"] == status],
                "arrayminus": [r["difference"] - r["difference_lower"] for r in known if r["status"] == status],
                "thickness": 2,
            },
            hovertemplate="%{x:+.1%}<extra></extra>",
            marker={"color": f"var(--{colour})", "size": 10, "symbol": "x" if status == "breach" else "circle"},
        )
        for status, colour in _VERDICTS.items()
        if any(record["status"] == status for record in known)
    ]
    return new_figure(
        traces,
        height=130 + ROW * len(known),
        xaxis={"title": {"text": "difference from what was expected"}, "tickformat": "+.0%", "zeroline": True},
        yaxis=rows_axis([record["name"] for record in known], 40),
    )
