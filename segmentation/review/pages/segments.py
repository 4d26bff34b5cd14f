"""Segments: which groups of users there are, and who is in which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review.exhibits import Page
from segmentation.review.sections.cohorts import cohorts_section
from segmentation.review.sections.segments import segments_section
from segmentation.review.sections.traits import traits_sections

if TYPE_CHECKING:
    from segmentation.review.sections.reading import Reading


def build_segments_page(reading: Reading) -> Page:
    """Build the page on the model's segments, the segments by rule, and traits."""
    return Page(
        key="segments",
        title="Segments",
        question="Which groups of users are there, what sets them apart, and who went from one to another?",
        sections=(segments_section(reading), cohorts_section(reading), *traits_sections(reading)),
        quoted=("segment-sizes", "segment-profiles", "segment-migration", "cohort-sizes"),
    )
