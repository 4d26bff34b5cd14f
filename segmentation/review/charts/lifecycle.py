"""Charts of lifecycle and retention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from segmentation.review import text
from segmentation.review.charts.base import ROW, label_axis, new_figure, rows_axis
from segmentation.review.theme import SEQUENTIAL

if TYPE_CHECKING:
    from segmentation.review.frames.records import Records

_COLOURS = {"new": "series-1", "returning": "series-3", "resurrecting": "series-5", "dormant": "series-4"}
KINDS = tuple(_COLOURS)


def draw_lifecycle(periods: Records) -> go.Figure:
    """Show who is active in every period, and, below the axis, who is no more."""
    traces = [
        go.Bar(
            name=kind,
            x=[record["period"] for record in periods],
            y=[-record[kind] if kind == "dormant" else record[kind] for record in periods],
            customdata=[text.plural(record[kind], f"{kind} user") for record in periods],
            hovertemplate="%{x|%-d %b %Y}: %{customdata}<extra></extra>",
            marker={"color": f"var(--{colour})"},
        )
        for kind, colour in _COLOURS.items()
    ]
    return new_figure(traces, height=340, barmode="relative", yaxis={"zeroline": True, "rangemode": "tozero"})


def draw_retention(cells: Records, *, unit: str) -> go.Figure:
    """Show the share of every cohort that was active so many periods later."""
    cohorts = sorted({cell["cohort"] for cell in cells})
    later = list(range(1, max(cell["periods_later"] for cell in cells) + 1))
    of = {(cell["cohort"], cell["periods_later"]): cell for cell in cells}
    table = [[of.get((cohort, n)) for n in later] for cohort in cohorts]
    users = [of[cohort, 0]["users"] for cohort in cohorts]
    heat = go.Heatmap(
        z=[[cell["share"] if cell else None for cell in line] for line in table],
        text=[[f"{cell['share']:.0%}" if cell else "" for cell in line] for line in table],
        customdata=[
            [f"{text.count(cell['active'])} of {text.plural(cell['users'], 'user')}" if cell else "" for cell in line]
            for line in table
        ],
        texttemplate="%{text}",
        textfont={"size": 11},
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=SEQUENTIAL,
        zmin=0,
        zmax=1,
        xgap=2,
        ygap=2,
        hoverongaps=False,
        showscale=False,
    )
    names = [f"{text.day(cohort)} ({text.count(n)})" for cohort, n in zip(cohorts, users, strict=True)]
    return new_figure(
        [heat],
        height=90 + ROW * len(cohorts),
        xaxis={**label_axis(later), "side": "top", "title": {"text": f"{unit}s later"}},
        yaxis=rows_axis(names),
    )
