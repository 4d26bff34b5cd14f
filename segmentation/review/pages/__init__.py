"""The pages of the site, in the order of their navigation; one module each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review.pages.health import build_health_page
from segmentation.review.pages.history import build_history_page
from segmentation.review.pages.journeys import build_journeys_page
from segmentation.review.pages.models import build_models_page
from segmentation.review.pages.overview import build_overview_page
from segmentation.review.pages.propensity import build_propensity_page
from segmentation.review.pages.segments import build_segments_page
from segmentation.review.sections.registry import ModelRecords

if TYPE_CHECKING:
    from segmentation.review.exhibits import Page, Section
    from segmentation.review.sections.reading import Reading


def build_pages(reading: Reading, models: ModelRecords | None = None) -> tuple[Page, ...]:
    """Build all pages, the overview first; what has nothing to show says which job fills it.

    Args:
        reading: the lake at the cut.
        models: what the tracking store says of models; None: nothing.
    """
    known = models or ModelRecords()
    pages = (
        build_health_page(reading),
        build_journeys_page(reading),
        build_segments_page(reading),
        build_propensity_page(reading, known),
        build_models_page(reading, known),
        build_history_page(reading),
    )
    return (build_overview_page(reading, pages), *pages)


def build_sections(reading: Reading, models: ModelRecords | None = None) -> tuple[Section, ...]:
    """Build the sections of all pages, for notebooks."""
    return tuple(section for page in build_pages(reading, models) for section in page.sections)
