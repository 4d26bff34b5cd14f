"""Draw the parts that all charts share: axes, margins for labels, and escaped names."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from segmentation.review.text import ELLIPSIS, chart_label, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW = 26
"""Height of a row of labels in pixels."""
LONG_ROWS = 560
"""Pixels that a chart needs beside long names of rows; a phone scrolls it sideways."""
_FEW = 4
"""Columns at most whose names stand level."""
_AXIS = {
    "gridcolor": "var(--line)",
    "linecolor": "var(--line)",
    "zerolinecolor": "var(--line)",
    "ticks": "",
    "automargin": True,
    "fixedrange": True,
    "title": {"standoff": 12, "font": {"color": "var(--muted)", "size": 12}},
    "tickfont": {"color": "var(--muted)", "size": 12},
}


def new_figure(traces: Sequence[Any], *, height: int, **layout: Any) -> go.Figure:
    """Make a figure in the page's style; `layout` adds to it or overrides it."""
    return style_figure(go.Figure(list(traces)), height=height, **layout)


def style_figure(figure: go.Figure, *, height: int, **layout: Any) -> go.Figure:
    """Give a figure the page's type, legend and axes."""
    figure.update_layout(
        template="none",
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "var(--ink)", "size": 13},
        margin={"l": 8, "r": 12, "t": 8, "b": 8, "pad": 4},
        hoverlabel={"bgcolor": "var(--surface)", "bordercolor": "var(--line)", "font": {"color": "var(--ink)"}},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        barmode="stack",
        bargap=0.25,
        dragmode=False,
    )
    figure.update_xaxes(**_AXIS)
    figure.update_yaxes(**_AXIS)
    figure.update_layout(**layout)
    return figure


def label_axis(names: Sequence[object], length: int = 28) -> dict[str, Any]:
    """Label the numbers 0, 1, ... of an axis with names."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [chart_label(name, length) for name in names],
        "showgrid": False,
        "zeroline": False,
        "range": [-0.5, len(names) - 0.5],
    }


def columns_axis(names: Sequence[object]) -> dict[str, Any]:
    """Label columns above a table: few of them level, on two lines where they are long; more of them aslant."""
    if len(names) > _FEW:
        return {**label_axis(names, 22), "side": "top", "tickangle": -30}
    wrapped = [wrap_label(name) for name in names]
    return {**label_axis(names), "ticktext": wrapped, "side": "top", "tickangle": 0}


def wrap_label(name: object, width: int = 18) -> str:
    """Break a label for plotly into two lines at a space; what does not fit is cut."""
    lines = textwrap.wrap(clean(name), width, max_lines=2, placeholder=ELLIPSIS)
    return "<br>".join(chart_label(line, width) for line in lines)


def rows_axis(names: Sequence[object], length: int = 28) -> dict[str, Any]:
    """Label rows from the top down."""
    return {**label_axis(names, length), "range": [len(names) - 0.5, -0.5]}
