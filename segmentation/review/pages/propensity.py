"""Propensity: who is likely to do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review.exhibits import Page
from segmentation.review.sections.propensity import propensity_section

if TYPE_CHECKING:
    from segmentation.review.sections.reading import Reading
    from segmentation.review.sections.registry import ModelRecords


def build_propensity_page(reading: Reading, models: ModelRecords) -> Page:
    """Build the page on predictions."""
    return Page(
        key="propensity",
        title="Propensity",
        question="Who is likely to do what, do predictions come true, and what do they rest on?",
        sections=(propensity_section(reading, models),),
        quoted=("against-simple-models", "calibration", "importances"),
    )
