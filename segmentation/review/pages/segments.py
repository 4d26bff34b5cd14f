"""Segments: which groups of users there are, and who is in which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review.exhibits import Page
from segmentation.review.sections.cohorts import build_cohorts
from segmentation.review.sections.segments import build_segments

if TYPE_CHECKING:
    from segmentation.review.sections.reading import Reading


def build_segments_page(reading: Reading) -> Page:
    """Build the page on the model's segments and the segments by rule."""
    return Page(
        key="segments",
        title="Segments",
        question="Which groups of users are there, what sets them apart, and who went from one to another?",
        sections=(build_segments(reading), build_cohorts(reading)),
        quoted=("segment-sizes", "segment-profiles", "segment-migration", "cohort-sizes"),
    )
