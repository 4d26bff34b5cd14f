"""Health: can the figures be trusted, and has anything changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review.exhibits import Page
from segmentation.review.sections.features import features_section
from segmentation.review.sections.health import health_section
from segmentation.review.sections.monitoring import monitoring_section

if TYPE_CHECKING:
    from segmentation.review.sections.reading import Reading


def build_health_page(reading: Reading) -> Page:
    """Build the page on the ledger, checks, thresholds, alerts, drift and features."""
    return Page(
        key="health",
        title="Health",
        question="Is every record accounted for, do data and models keep their thresholds, has anything changed?",
        sections=(health_section(reading), monitoring_section(reading), features_section(reading)),
        quoted=("ledger", "checks", "evaluations", "alerts"),
    )
