"""Charts of movement between states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from segmentation.review import text
from segmentation.review.charts.base import ROW, label_axis, new_figure, rows_axis
from segmentation.review.theme import SEQUENTIAL, series
from segmentation.sequences.paths import OTHER
from segmentation.tables import EXIT, START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentation.review.frames.records import Record, Records

_LEGIBLE = 0.005
CELL = 34
LABELS = 150
"""Pixels per heat map column, and beside them for the labels."""


def draw_transitions(rates: Records, states: Sequence[str]) -> go.Figure:
    """Show the rate of every transition: rows are left (START first), columns reached (EXIT last)."""
    known = {(record["from_state"], record["to_state"]): record for record in rates}
    named = [*states, OTHER] if any(record["from_state"] == OTHER for record in rates) else list(states)
    rows, columns = [START, *named], [*named, EXIT]
    cells = [[known.get((row, column)) for column in columns] for row in rows]
    heat = go.Heatmap(
        z=[[cell["rate"] if cell else None for cell in line] for line in cells],
        text=[[_per_cent(cell) for cell in line] for line in cells],
        customdata=[[_describe(cell) for cell in line] for line in cells],
        texttemplate="%{text}",
        textfont={"size": 11},
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=SEQUENTIAL,
        zmin=0,
        zmax=max((record["rate"] for record in rates), default=1),
        showscale=False,
        xgap=2,
        ygap=2,
        hoverongaps=False,
    )
    across = {**label_axis(columns, 20), "side": "top", "tickangle": -45}
    down = rows_axis(rows, 20)
    return new_figure([heat], height=130 + ROW * len(rows), xaxis=across, yaxis=down)


def draw_drop_off(drop_off: Records) -> go.Figure:
    """Show at which states sessions end, with 95 % intervals."""
    shares = [record["drop_off"] for record in drop_off]
    dots = go.Scatter(
        mode="markers",
        y=list(range(len(drop_off))),
        x=shares,
        marker={"color": "var(--series-5)", "size": 9},
        error_x={
            "type": "data",
            "array": [record["drop_off_upper"] - record["drop_off"] for record in drop_off],
            "arrayminus": [record["drop_off"] - record["drop_off_lower"] for record in drop_off],
            "color": "var(--muted)",
            "thickness": 1.4,
            "width": 4,
        },
        customdata=[
            f"{text.chart_label(record['state'])}: {text.share(record['drop_off'])} of "
            f"{text.plural(record['visits'], 'visit')} end the session "
            f"({text.share(record['drop_off_lower'])} to {text.share(record['drop_off_upper'])})"
            for record in drop_off
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    most = max((record["drop_off_upper"] for record in drop_off), default=1)
    return new_figure(
        [dots],
        height=70 + 24 * len(drop_off),
        xaxis={"tickformat": ".0%", "range": [0, min(1.02, most * 1.06)], "side": "top", "zeroline": True},
        yaxis={**rows_axis([record["state"] for record in drop_off]), "showgrid": True},
    )


def draw_flows(flows: Records) -> go.Figure:
    """Show the sessions' first steps as a flow, with what left after each step."""
    nodes = _place_nodes(flows)
    number = {node["id"]: position for position, node in enumerate(nodes)}
    colours = _state_colours(flows)
    ends = [_target(record) for record in flows]
    sankey = go.Sankey(
        arrangement="fixed",
        node={
            "label": [text.chart_label(node["label"], 18) for node in nodes],
            "x": [node["x"] for node in nodes],
            "y": [node["y"] for node in nodes],
            "color": [colours.get(node["id"][1], "var(--quiet)") for node in nodes],
            "pad": _PAD,
            "thickness": 14,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value:,} sessions<extra></extra>",
        },
        link={
            "source": [number[record["step"], record["from_state"]] for record in flows],
            "target": [number[end] for end in ends],
            "value": [record["sessions"] for record in flows],
            "color": ["var(--flow)" if record["to_state"] is not None else "var(--flow-exit)" for record in flows],
            "hovertemplate": "%{source.label} → %{target.label}: %{value:,} sessions<extra></extra>",
        },
        textfont={
            "size": 1,
            "color": "rgba(0,0,0,0)",
        },  # plotly would write the last column's names over the one before
    )
    margin = {"l": 4, "r": 120, "t": 8, "b": 12}
    return new_figure([sankey], height=_HEIGHT, margin=margin, annotations=[_name_node(node) for node in nodes])


def _name_node(node: Record) -> dict[str, Any]:
    return {
        "text": text.chart_label(node["label"], 18),
        "showarrow": False,
        "xref": "paper",
        "x": node["x"],
        "xanchor": "left",
        "xshift": 10,
        "yref": "paper",
        "y": 1 - node["y"],
        "yanchor": "middle",
        "font": {"size": 12, "color": "var(--ink)"},
    }


_HEIGHT, _PAD = 520, 12
_LEFT = "left"


def _target(record: Record) -> tuple[int, str]:
    return record["step"] + 1, _LEFT if record["to_state"] is None else record["to_state"]


def _state_colours(flows: Records) -> dict[str, str]:
    sizes: dict[str, int] = {}
    for record in flows:
        sizes[record["from_state"]] = sizes.get(record["from_state"], 0) + record["sessions"]
    named = sorted((name for name in sizes if name != OTHER), key=lambda name: (-sizes[name], name))
    return {name: series(position) for position, name in enumerate(named[:7])}


def _place_nodes(flows: Records) -> list[dict[str, Any]]:
    """Place the nodes of each step in a column: largest first, other states then those who left at the bottom."""
    sizes: dict[tuple[int, str], int] = {}
    for record in flows:
        if record["step"] == 1:
            _grow(sizes, (1, record["from_state"]), record["sessions"])
        _grow(sizes, _target(record), record["sessions"])
    columns: dict[int, list[tuple[int, str]]] = {}
    for node in sorted(sizes, key=lambda n: (n[0], n[1] == _LEFT, n[1] == OTHER, -sizes[n], n[1])):
        columns.setdefault(node[0], []).append(node)
    inner = _HEIGHT - 20
    scale = min((inner - _PAD * (len(c) - 1)) / sum(sizes[n] for n in c) for c in columns.values())
    placed = []
    for step, column in columns.items():
        top = 0.0
        for node in column:
            size = sizes[node] * scale
            label = "left" if node[1] == _LEFT else node[1]
            x = 0.001 + 0.998 * (step - 1) / max(len(columns) - 1, 1)
            placed.append({"id": node, "label": label, "x": x, "y": (top + size / 2) / inner})
            top += size + _PAD
    return placed


def _grow(sizes: dict[tuple[int, str], int], node: tuple[int, str], sessions: int) -> None:
    sizes[node] = sizes.get(node, 0) + sessions


def _per_cent(cell: Record | None) -> str:
    return f"{cell['rate'] * 100:.0f}" if cell and cell["rate"] >= _LEGIBLE else ""


def _describe(cell: Record | None) -> str:
    if cell is None:
        return ""
    return (
        f"{text.chart_label(cell['from_state'])} → {text.chart_label(cell['to_state'])}<br>"
        f"{text.share(cell['rate'])} ({text.share(cell['rate_lower'])} to {text.share(cell['rate_upper'])})<br>"
        f"{text.count(cell['transitions'])} of {text.count(cell['departures'])}"
    )
