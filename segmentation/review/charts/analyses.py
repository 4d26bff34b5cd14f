"""Charts of funnels and of what is lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from segmentation.review import text
from segmentation.review.charts.base import new_figure, rows_axis
from segmentation.review.theme import series

if TYPE_CHECKING:
    from segmentation.review.frames.records import Record, Records


def draw_funnel(steps: Records) -> go.Figure:
    """Show the share of the first step that gets to every step, with 95 % intervals."""
    bars = go.Bar(
        orientation="h",
        y=list(range(len(steps))),
        x=[step["share_of_first"] for step in steps],
        marker={"color": series(0)},
        error_x={
            "type": "data",
            "array": [step["share_of_first_upper"] - step["share_of_first"] for step in steps],
            "arrayminus": [step["share_of_first"] - step["share_of_first_lower"] for step in steps],
            "color": "var(--muted)",
            "thickness": 1.4,
            "width": 4,
        },
        customdata=[_describe(step) for step in steps],
        hovertemplate="%{customdata}<extra></extra>",
    )
    return new_figure(
        [bars],
        height=70 + 34 * len(steps),
        xaxis={"tickformat": ".0%", "range": [0, 1.02], "side": "top"},
        yaxis=rows_axis([" or ".join(step["states"]) for step in steps]),
    )


def draw_lost_conversions(ranked: Records) -> go.Figure:
    """Show the conversions lost at every state, with 95 % intervals."""
    lost = [record["lost_conversions"] for record in ranked]
    dots = go.Scatter(
        mode="markers",
        y=list(range(len(ranked))),
        x=lost,
        marker={"color": series(4), "size": 9},
        error_x={
            "type": "data",
            "array": [record["lost_conversions_upper"] - record["lost_conversions"] for record in ranked],
            "arrayminus": [record["lost_conversions"] - record["lost_conversions_lower"] for record in ranked],
            "color": "var(--muted)",
            "thickness": 1.4,
            "width": 4,
        },
        customdata=[
            f"{text.chart_label(record['state'])}: about {text.number(record['lost_conversions'])} lost; "
            f"{text.count(record['left'])} of {text.plural(record['reached'], 'session')} ended there"
            for record in ranked
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    most = max(record["lost_conversions_upper"] for record in ranked)
    return new_figure(
        [dots],
        height=70 + 24 * len(ranked),
        xaxis={"range": [0, most * 1.06], "side": "top", "zeroline": True},
        yaxis={**rows_axis([record["state"] for record in ranked]), "showgrid": True},
    )


def _describe(step: Record) -> str:
    label = text.chart_label(" or ".join(step["states"]))
    share = text.share(step["share_of_first"])
    return f"{step['step']}. {label}: {text.count(step['reached'])}, {share} of the first step"
