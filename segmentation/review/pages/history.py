"""History: how segments, models and alerts were from cut to cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review.exhibits import Page
from segmentation.review.sections.history import (
    model_history_section,
    monitoring_history_section,
    publications_section,
    segment_history_section,
)

if TYPE_CHECKING:
    from segmentation.review.sections.reading import Reading


def build_history_page(reading: Reading) -> Page:
    """Build the page on earlier cuts and publications."""
    sections = (
        segment_history_section(reading),
        model_history_section(reading),
        monitoring_history_section(reading),
        publications_section(reading),
    )
    drawn = {exhibit.key for section in sections for exhibit in section.exhibits if exhibit.figure is not None}
    return Page(
        key="history",
        title="History",
        question="How did segments, models, drift and alerts develop from cut to cut, and what was published when?",
        sections=sections,
        quoted=tuple(key for key in ("segment-sizes-over-time", "alerts-over-time") if key in drawn),
    )
