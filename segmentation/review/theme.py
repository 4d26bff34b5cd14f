"""The page's colours, in one place: CSS variables that the style sheet and the charts share.

The series start from the colours of M. Okabe and K. Ito (2008), Color universal design, moved as little as gives each a
contrast of 3 to its page and keeps all apart for colour-blind readers; tests measure both. Nothing is told by colour
alone.
"""

from __future__ import annotations

from typing import Any

SERIES = 8
LIGHT = {
    "page": "#f6f6f3",
    "surface": "#ffffff",
    "sunken": "#f0f1ee",
    "ink": "#1b232d",
    "muted": "#5a6573",
    "line": "#dfe2e4",
    "accent": "#0b5f8a",
    "good": "#00694c",
    "good-soft": "#e2f2ec",
    "bad": "#a83c00",
    "bad-soft": "#fcebe0",
    "series-1": "#0271b1",
    "series-2": "#b88000",
    "series-3": "#009d74",
    "series-4": "#cd76a8",
    "series-5": "#d46136",
    "series-6": "#3f93db",
    "series-7": "#606670",
    "series-8": "#6d6200",
    "quiet": "#b9c0c8",
    "flow": "rgba(60, 110, 150, 0.22)",
    "flow-exit": "rgba(120, 128, 138, 0.20)",
    "scale-1": "#f4f6f7",
    "scale-2": "#cfe2ee",
    "scale-3": "#8dbfdd",
    "scale-4": "#3c89b9",
    "scale-5": "#0a4a76",
    "less-2": "#b25a12",
    "less-1": "#ecb77f",
    "even": "#f4f4f1",
    "more-1": "#8bbedb",
    "more-2": "#0b5f8a",
}
DARK = {
    "page": "#11161c",
    "surface": "#192028",
    "sunken": "#141a21",
    "ink": "#e7ebef",
    "muted": "#9eaab7",
    "line": "#2c3641",
    "accent": "#6fbbe8",
    "good": "#4fd0a5",
    "good-soft": "#16352d",
    "bad": "#ffa36b",
    "bad-soft": "#3d2618",
    "series-1": "#56a8ea",
    "series-2": "#e69f00",
    "series-3": "#2fbf90",
    "series-4": "#de99d3",
    "series-5": "#f07a3a",
    "series-6": "#2f86c4",
    "series-7": "#99a2aa",
    "series-8": "#f0e442",
    "quiet": "#56616d",
    "flow": "rgba(111, 187, 232, 0.22)",
    "flow-exit": "rgba(150, 160, 172, 0.18)",
    "scale-1": "#1f2832",
    "scale-2": "#1d435c",
    "scale-3": "#226f98",
    "scale-4": "#51a9d8",
    "scale-5": "#c6e8fb",
    "less-2": "#f5a35c",
    "less-1": "#8d5a2d",
    "even": "#232c36",
    "more-1": "#2a6789",
    "more-2": "#7cc5ef",
}
SEQUENTIAL = [[(step - 1) / 4, f"var(--scale-{step})"] for step in range(1, 6)]
DIVERGING = [
    [0, "var(--less-2)"],
    [0.25, "var(--less-1)"],
    [0.5, "var(--even)"],
    [0.75, "var(--more-1)"],
    [1, "var(--more-2)"],
]


def series(position: int) -> str:
    """Return the colour of the series at a position, from 0, going round."""
    return f"var(--series-{position % SERIES + 1})"


def resolve(value: Any, colours: dict[str, str] = LIGHT) -> Any:
    """Replace every `var(--name)` in a figure's description by its colour; the page's script does the same."""
    if isinstance(value, str):
        return colours[value[6:-1]] if value.startswith("var(--") else value
    if isinstance(value, dict):
        return {key: resolve(item, colours) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, colours) for item in value]
    return value
