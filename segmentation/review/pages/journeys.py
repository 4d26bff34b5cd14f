"""Journeys: what people do in their sessions, and how long they stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review.exhibits import Page
from segmentation.review.sections.journeys import journeys_section
from segmentation.review.sections.lifecycle import lifecycle_section
from segmentation.review.sections.sessions import sessions_section

if TYPE_CHECKING:
    from segmentation.review.sections.reading import Reading


def build_journeys_page(reading: Reading) -> Page:
    """Build the page on sessions, paths and the lifecycle."""
    return Page(
        key="journeys",
        title="Journeys",
        question="How do people move from state to state, where do they leave, and do they come back?",
        sections=(sessions_section(reading), journeys_section(reading), lifecycle_section(reading)),
        quoted=("sessions-by-platform", "drop-off", "lost-conversions", "lifecycle"),
    )
