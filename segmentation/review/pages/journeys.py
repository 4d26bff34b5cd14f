"""Journeys: what people do in their sessions, and how long they stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review.exhibits import Page
from segmentation.review.sections.journeys import build_journeys
from segmentation.review.sections.lifecycle import build_lifecycle
from segmentation.review.sections.sessions import build_sessions

if TYPE_CHECKING:
    from segmentation.review.sections.reading import Reading


def build_journeys_page(reading: Reading) -> Page:
    """Build the page on sessions, paths and the lifecycle."""
    return Page(
        key="journeys",
        title="Journeys",
        question="How do people move from state to state, where do they leave, and do they come back?",
        sections=(build_sessions(reading), build_journeys(reading), build_lifecycle(reading)),
        quoted=("sessions-by-platform", "drop-off", "lost-conversions", "lifecycle"),
    )
