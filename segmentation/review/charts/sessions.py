"""Charts of sessions over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from segmentation.review import text
from segmentation.review.charts.base import new_figure, style_figure
from segmentation.review.theme import series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentation.review.frames.records import Records

_TIME = {"type": "date", "showgrid": False, "hoverformat": "%e %B %Y"}


def draw_sessions(counts: Records, platforms: Sequence[str]) -> go.Figure:
    """Show sessions per period, stacked by platform."""
    traces = [
        go.Bar(
            name=text.chart_label(platform, 20),
            x=[record["period"].isoformat() for record in counts if record["platform"] == platform],
            y=[record["sessions"] for record in counts if record["platform"] == platform],
            hovertemplate="%{y:,}",
            marker={"color": series(position), "line": {"width": 0}},
        )
        for position, platform in enumerate(platforms)
    ]
    return new_figure(
        traces,
        height=340,
        hovermode="x unified",
        bargap=0.12,
        xaxis=_TIME,
        yaxis={"title": {"text": "sessions"}, "tickformat": ",", "rangemode": "tozero"},
    )


def draw_quality(periods: Records) -> go.Figure:
    """Show, one above the other: conversion, median observed duration, and share of unknown durations."""
    panels = (
        ("share of sessions with a conversion", "series-3", ".1%", [_ratio(record, "converted") for record in periods]),
        ("median observed duration, minutes", "series-1", ".1f", [_minutes(record) for record in periods]),
        ("share of sessions whose duration is unknown", "series-5", ".1%", [_ratio(r, "unknown") for r in periods]),
    )
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.13,
        subplot_titles=[name for name, *_ in panels],
    )
    days = [record["period"].isoformat() for record in periods]
    for row, (name, colour, style, values) in enumerate(panels, start=1):
        line = go.Scatter(
            name=name,
            x=days,
            y=values,
            mode="lines",
            line={"color": f"var(--{colour})", "width": 1.6},
            hovertemplate=f"%{{y:{style}}}",
        )
        figure.add_trace(line, row=row, col=1)
        figure.update_yaxes(tickformat={".1%": ".0%", ".1f": "~g"}[style], rangemode="tozero", nticks=4, row=row, col=1)
    style_figure(figure, height=460, showlegend=False, hovermode="x unified", margin={"t": 26, "b": 8})
    figure.update_xaxes(**_TIME)
    figure.update_annotations(x=0, xanchor="left", font={"color": "var(--muted)", "size": 12})
    return figure


def _ratio(record: dict[str, int], part: str) -> float:
    return record[part] / record["sessions"]


def _minutes(record: dict[str, int | None]) -> float | None:
    median = record["median_s"]
    return None if median is None else median / 60
