"""Curves as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from segmentation.tracking.records import Curve


def draw_curve(curve: Curve) -> Figure:
    """Draw each column of a curve over its first column."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    points = np.array(curve.rows, dtype=float)
    drawn = curve.columns[1:] if curve.drawn is None else curve.columns[1 : 1 + curve.drawn]
    for i, label in enumerate(drawn, start=1):
        axes.plot(points[:, 0], points[:, i], marker="o", label=label)
    if curve.identity:
        axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="perfect")
    axes.set(title=curve.title, xlabel=curve.columns[0], ylabel=curve.y_label)
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    return figure
