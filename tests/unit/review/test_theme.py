"""The page's colours: contrast as WCAG 2.2 asks for, and series that colour-blind readers tell apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from segmentation.review.theme import DARK, LIGHT, SERIES

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
TEXT = (
    ("ink", "page"), ("ink", "surface"), ("ink", "sunken"),
    ("muted", "page"), ("muted", "surface"), ("muted", "sunken"), ("muted", "bad-soft"),
    ("accent", "page"), ("accent", "surface"),
    ("good", "good-soft"), ("bad", "bad-soft"), ("bad", "surface"), ("bad", "sunken"),
)  # fmt: skip
"""Text and what it stands on, as in page.css."""
# What a person without one kind of cones sees, on linear light: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes
# (2009), IEEE Transactions on Visualization and Computer Graphics 15(6), severity 1.
VISION = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
APART = 12.0
"""CIE 1976 colour difference; 2.3 is just noticeable side by side."""


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(colour) @ TO_XYZ[1]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(light: np.ndarray) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(light, 0, 1) / np.array([0.9505, 1.0, 1.089])
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_contrast_is_that_of_the_definition() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@THEMES
@pytest.mark.parametrize("pair", TEXT, ids="-on-".join)
def test_text_can_be_read(theme: dict[str, str], pair: tuple[str, str]) -> None:
    assert contrast(*(theme[name] for name in pair)) >= 4.5


@THEMES
def test_series_stand_out_from_the_page(theme: dict[str, str]) -> None:
    weak = {n: contrast(theme[f"series-{n}"], theme["surface"]) for n in range(1, SERIES + 1)}
    assert {n: round(value, 2) for n, value in weak.items() if value < 3.0} == {}


@THEMES
@pytest.mark.parametrize("vision", VISION)
def test_series_stay_apart_for_everybody(theme: dict[str, str], vision: str) -> None:
    seen = {n: lab(np.array(VISION[vision]) @ linear(theme[f"series-{n}"])) for n in range(1, SERIES + 1)}
    distances = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in combinations(seen, 2)}
    assert {pair: round(d, 1) for pair, d in distances.items() if d < APART} == {}
