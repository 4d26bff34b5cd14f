"""One section of the site by itself, for a notebook that asks one question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError, nearest
from segmentation.review.exhibits import Section
from segmentation.review.sections.cohorts import build_cohorts
from segmentation.review.sections.features import build_features
from segmentation.review.sections.journeys import build_journeys
from segmentation.review.sections.lifecycle import build_lifecycle
from segmentation.review.sections.models import build_choice
from segmentation.review.sections.monitoring import build_monitoring
from segmentation.review.sections.propensity import build_propensity
from segmentation.review.sections.registry import ModelRecords

if TYPE_CHECKING:
    from collections.abc import Callable

    from segmentation.review.sections.reading import Reading

SECTIONS: dict[str, tuple[Callable[[Reading], Section], str]] = {
    "cohorts": (build_cohorts, "build_cohorts"),
    "features": (build_features, "describe_features"),
    "journeys": (build_journeys, "build_sequences"),
    "lifecycle": (build_lifecycle, "build_lifecycle"),
    "monitoring": (build_monitoring, "monitor_segments"),
}
"""How a section is built, and the job without which it is empty."""
NOTHING = Section("nothing", "Nothing", "")
OF_MODELS: dict[str, tuple[Callable[[Reading, ModelRecords], Section], str]] = {
    "choice": (lambda _, models: build_choice(models)[0] if models.by_k else NOTHING, "train_clusters"),
    "propensity": (build_propensity, "score_segments"),
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
