"""Charts of segments, cohorts and scores."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from segmentation.review import text
from segmentation.review.charts.base import columns_axis, new_figure, rows_axis
from segmentation.review.charts.lines import draw_diagonal, style_line
from segmentation.review.theme import DIVERGING, SEQUENTIAL, series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segmentation.review.frames.records import Record, Records

BARS = 420
"""Pixels that bars need beside their names and figures."""
_LABELLED = 5
"""Weeks at most whose first day stands below a chart: so many fit on a phone."""
_STRONG = 1.6
"""Standardised difference at which the heat map's colour is full."""


def draw_sizes(names: Sequence[str], users: Sequence[int], *, total: int, colour: str | None = None) -> go.Figure:
    """Show how many users are in each group."""
    bar = go.Bar(
        orientation="h",
        y=list(range(len(names))),
        x=list(users),
        text=[f"{text.count(n)} · {text.share_of(n, total)}" for n in users],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{text}<extra></extra>",
        marker={"color": [colour or series(position) for position in range(len(names))]},
        width=0.62,
    )
    return new_figure(
        [bar],
        height=60 + 32 * len(names),
        xaxis={"visible": False, "range": [0, max(users, default=1) * 1.35]},
        yaxis=rows_axis(names, 34),
    )


def draw_engagement(segments: Records, weeks: Records) -> go.Figure:
    """Show which share of each segment's members was active in every week."""
    traces = []
    for position, segment in enumerate(segments):
        own = [record for record in weeks if record["segment_id"] == segment["segment_id"]]
        traces.append(
            go.Scatter(
                mode="lines+markers",
                name=text.chart_label(segment["segment_name"], 44),
                x=[record["week"] for record in own],
                y=[record["active_share"] for record in own],
                text=[text.share(record["active_share"]) for record in own],
                hovertemplate="week from %{x|%-d %b %Y}: %{text}<extra></extra>",
                **style_line(position),
            )
        )
    begins = sorted({record["week"] for record in weeks})
    labelled = begins[:: ceil(len(begins) / _LABELLED)]
    return new_figure(
        traces,
        height=340,
        xaxis={"tickvals": labelled, "ticktext": [f"{week.day} {week:%b}" for week in labelled], "tickangle": 0},
        yaxis={"tickformat": ".0%", "rangemode": "tozero"},
    )


def draw_profiles(segments: Records, features: Sequence[str], cells: Mapping[tuple[str, str], Record]) -> go.Figure:
    """Show how far each segment's mean lies from everyone's, in standard deviations; numbers are original units."""
    names = [segment["segment_name"] for segment in segments]
    table = [[cells.get((feature, segment["segment_id"])) for segment in segments] for feature in features]
    heat = go.Heatmap(
        z=[[cell["effect_size"] if cell else None for cell in line] for line in table],
        text=[[text.number(cell["segment_mean"]) if cell else "" for cell in line] for line in table],
        customdata=[[_describe(cell) for cell in line] for line in table],
        texttemplate="%{text}",
        textfont={"size": 12},
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=DIVERGING,
        zmin=-_STRONG,
        zmax=_STRONG,
        xgap=2,
        ygap=2,
        hoverongaps=False,
        colorbar=_effect_bar(),
    )
    return new_figure(
        [heat],
        height=150 + 30 * len(features),
        xaxis=columns_axis(names),
        yaxis=rows_axis([text.feature(feature) for feature in features], 40),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )


def draw_crossing(rules: Sequence[str], segments: Records, crossing: Records) -> go.Figure:
    """Show into which segments the members of each rule segment fall."""
    users = {(record["rule"], record["segment_id"]): record["users"] for record in crossing}
    totals = {rule: sum(n for (name, _), n in users.items() if name == rule) for rule in rules}
    shares = [[_share(users.get((rule, s["segment_id"]), 0), totals[rule]) for s in segments] for rule in rules]
    heat = go.Heatmap(
        z=shares,
        text=[[f"{value:.0%}" if value else "" for value in line] for line in shares],
        customdata=[[text.count(users.get((rule, s["segment_id"]), 0)) for s in segments] for rule in rules],
        texttemplate="%{text}",
        hovertemplate="%{customdata} users, %{z:.1%} of the cohort<extra></extra>",
        colorscale=SEQUENTIAL,
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    names = [segment["segment_name"] for segment in segments]
    return new_figure(
        [heat],
        height=130 + 32 * len(rules),
        xaxis=columns_axis(names),
        yaxis=rows_axis([text.feature(rule) for rule in rules]),
    )


def draw_scores(scores: Records) -> go.Figure:
    """Show the spread of one target's calibrated probability per segment: box 25 to 75 %, whiskers 5 to 95 %."""
    box = go.Box(
        orientation="h",
        y=list(range(len(scores))),
        q1=[record["lower"] for record in scores],
        median=[record["median"] for record in scores],
        q3=[record["upper"] for record in scores],
        lowerfence=[record["lowest"] for record in scores],
        upperfence=[record["highest"] for record in scores],
        mean=[record["mean"] for record in scores],
        fillcolor="var(--flow)",
        line={"color": "var(--series-1)", "width": 1.6},
        hoverinfo="x",
        xhoverformat=".1%",
        width=0.55,
    )
    return new_figure(
        [box],
        height=70 + 38 * len(scores),
        xaxis={"tickformat": ".0%", "rangemode": "tozero"},
        yaxis=rows_axis([record["segment_name"] for record in scores], 34),
        showlegend=False,
    )


def draw_calibration(points: Mapping[str, Records]) -> go.Figure:
    """Show predicted against observed shares (95 % intervals) per target; on the dotted diagonal they are equal."""
    most = max((max(p["predicted"], p["upper"]) for records in points.values() for p in records), default=1)
    reach = min(1.0, most * 1.08)
    diagonal = draw_diagonal(reach, "comes true")
    lines = [
        go.Scatter(
            name=text.chart_label(target),
            x=[point["predicted"] for point in records],
            y=[point["observed"] for point in records],
            customdata=[text.plural(point["users"], "user") for point in records],
            mode="lines+markers",
            line={"color": series(position), "width": 1.6},
            marker={"size": 8, "symbol": position},
            error_y={
                "type": "data",
                "array": [point["upper"] - point["observed"] for point in records],
                "arrayminus": [point["observed"] - point["lower"] for point in records],
                "thickness": 1,
                "width": 3,
            },
            hovertemplate="predicted %{x:.1%}, came true %{y:.1%} (%{customdata})",
        )
        for position, (target, records) in enumerate(points.items())
    ]
    return new_figure(
        [diagonal, *lines],
        height=420,
        xaxis={"title": {"text": "predicted"}, "tickformat": ".0%", "range": [0, reach]},
        yaxis={"title": {"text": "came true"}, "tickformat": ".0%", "range": [0, reach]},
    )


def _describe(cell: Record | None) -> str:
    if cell is None:
        return ""
    return (
        f"{text.chart_label(text.feature(cell['feature']), 60)}<br>{text.effect(cell['effect_size'])}: "
        f"{text.number(cell['segment_mean'])} against {text.number(cell['overall_mean'])} over all"
    )


def _effect_bar() -> dict[str, Any]:
    return {
        "orientation": "h",
        "thickness": 8,
        "len": 0.5,
        "x": 0,
        "xanchor": "left",
        "y": -0.02,
        "yanchor": "top",
        "outlinewidth": 0,
        "tickvals": [-0.8, 0, 0.8],
        "ticktext": ["far less", "as everyone", "far more"],
        "tickfont": {"color": "var(--muted)", "size": 11},
        "tickangle": 0,
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole and part else None
