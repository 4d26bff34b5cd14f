"""Models: which are in use, and why these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review.exhibits import Page, Section
from segmentation.review.sections.models import build_choice, registry_section
from segmentation.review.sections.trainings import candidate_exhibits

if TYPE_CHECKING:
    from segmentation.review.sections.reading import Reading
    from segmentation.review.sections.registry import ModelRecords


def build_models_page(reading: Reading, models: ModelRecords) -> Page:
    """Build the page on champions, challengers, decisions and what they were chosen from."""
    tried = candidate_exhibits(models.trainings)
    lead = "Settings of all kinds of model are compared on the same cuts, and the best of each kind on later users."
    settings = (Section("propensity-choice", "How predictions were chosen", lead, tried),) if tried else ()
    return Page(
        key="models",
        title="Models",
        question="Which models are in use, which challenge them, and why was it decided so?",
        sections=(registry_section(reading, models), *build_choice(models), *settings),
        quoted=("model-versions", "model-decisions", "cluster-candidates"),
    )
