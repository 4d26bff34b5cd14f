"""One section of the site by itself, for a notebook that asks one question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError, nearest
from segmentation.review.exhibits import Section
from segmentation.review.sections.cohorts import cohorts_section
from segmentation.review.sections.features import features_section
from segmentation.review.sections.journeys import journeys_section
from segmentation.review.sections.lifecycle import lifecycle_section
from segmentation.review.sections.models import build_choice
from segmentation.review.sections.monitoring import monitoring_section
from segmentation.review.sections.propensity import propensity_section
from segmentation.review.sections.registry import ModelRecords

if TYPE_CHECKING:
    from collections.abc import Callable

    from segmentation.review.sections.reading import Reading

SECTIONS: dict[str, tuple[Callable[[Reading], Section], str]] = {
    "cohorts": (cohorts_section, "build_cohorts"),
    "features": (features_section, "describe_features"),
    "journeys": (journeys_section, "build_sequences"),
    "lifecycle": (lifecycle_section, "build_lifecycle"),
    "monitoring": (monitoring_section, "monitor_segments"),
}
"""Function that builds a section, and the job without which it is empty."""
NOTHING = Section("nothing", "Nothing", "")
OF_MODELS: dict[str, tuple[Callable[[Reading, ModelRecords], Section], str]] = {
    "choice": (lambda _, models: build_choice(models)[0] if models.by_k else NOTHING, "train_clusters"),
    "propensity": (propensity_section, "score_segments"),
}
"""The same of those that rest on what the tracking store says of models."""


def read_section(reading: Reading, key: str, models: ModelRecords | None = None) -> Section:
    """Build a section with all its exhibits; the others are not read.

    Args:
        reading: the lake at the cut.
        key: which section.
        models: what `read_models` gives, where the section is about models.

    Raises:
        ConfigurationError: there is no such section, or it is empty; names the job that fills it.
    """
    known = {**SECTIONS, **OF_MODELS}
    if key not in known:
        raise ConfigurationError(f"there is no section '{key}'{nearest(key, known)}: {', '.join(known)}")
    job = known[key][1]
    found = OF_MODELS[key][0](reading, models or ModelRecords()) if key in OF_MODELS else SECTIONS[key][0](reading)
    if not found.exhibits:
        raise ConfigurationError(
            f"{reading.lake.root} has nothing to show on {key} yet: run python jobs/{job}.py --lake {reading.lake.root}"
        )
    return found
