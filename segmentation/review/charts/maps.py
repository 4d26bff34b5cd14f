"""Draw the map of segments and the flows of users between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from segmentation.review import text
from segmentation.review.charts.base import columns_axis, new_figure, rows_axis
from segmentation.review.charts.lines import SYMBOLS
from segmentation.review.theme import SEQUENTIAL, series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentation.review.frames.records import Records


def draw_map(segments: Records, users: Records, axes: tuple[str, str]) -> go.Figure:
    """Show a sample of users (`x`, `y`, `segment_id`) by colour and symbol of their segment."""
    traces = []
    for position, segment in enumerate(segments):
        own = [user for user in users if user["segment_id"] == segment["segment_id"]]
        traces.append(
            go.Scatter(
                mode="markers",
                name=text.chart_label(segment["segment_name"], 60),
                x=[user["x"] for user in own],
                y=[user["y"] for user in own],
                marker={
                    "symbol": SYMBOLS[position % len(SYMBOLS)],
                    "size": 7,
                    "color": series(position),
                    "opacity": 0.75,
                },
                hoverinfo="name",
            )
        )
    quiet = {"showticklabels": False, "zeroline": True}
    return new_figure(
        traces,
        height=480,
        xaxis={**quiet, "title": {"text": _axis_title(axes[0])}},
        yaxis={**quiet, "title": {"text": _axis_title(axes[1])}, "scaleanchor": "x", "scaleratio": 1},
    )


def _axis_title(words: str) -> str:
    """Write what an axis means, a line per feature."""
    return "<br>".join(text.chart_label(line, 44) for line in words.split("; "))


def draw_moves(rows: Sequence[str], columns: Sequence[str], table: Sequence[Sequence[int]]) -> go.Figure:
    """Show where the users of each segment before (rows) are now (columns), in per cent of the row."""
    totals = [sum(line) for line in table]
    shares = [[n / total if n else None for n in line] for line, total in zip(table, totals, strict=True)]
    heat = go.Heatmap(
        z=shares,
        text=[["" if s is None else text.share(s, 0) for s in line] for line in shares],
        customdata=[[text.plural(n, "user") for n in line] for line in table],
        texttemplate="%{text}",
        hovertemplate="%{customdata}, %{z:.1%} of the row<extra></extra>",
        colorscale=SEQUENTIAL,
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    return new_figure([heat], height=130 + 34 * len(rows), xaxis=columns_axis(columns), yaxis=rows_axis(rows, 34))
