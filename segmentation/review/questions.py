"""One section of the site by itself, for a notebook that asks one question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError, nearest
from segmentation.review.exhibits import Section
from segmentation.review.sections.cohorts import build_cohorts
from segmentation.review.sections.features import build_features
from segmentation.review.sections.journeys import build_journeys
from segmentation.review.sections.lifecycle import build_lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable

    from segmentation.review.sections.reading import Reading

SECTIONS: dict[str, tuple[Callable[[Reading], Section], str]] = {
    "cohorts": (build_cohorts, "build_cohorts"),
    "features": (build_features, "describe_features"),
    "journeys": (build_journeys, "build_sequences"),
    "lifecycle": (build_lifecycle, "build_lifecycle"),
}
"""How a section is built, and the job without which it is empty."""


def read_section(reading: Reading, key: str) -> Section:
    """Build a section with all its exhibits; the others are not read.

    Raises:
        ConfigurationError: there is no such section, or it is empty; names the job that fills it.
    """
    if key not in SECTIONS:
        raise ConfigurationError(f"there is no section '{key}'{nearest(key, SECTIONS)}: {', '.join(SECTIONS)}")
    build, job = SECTIONS[key]
    found = build(reading)
    if not found.exhibits:
        raise ConfigurationError(
            f"{reading.lake.root} has nothing to show on {key} yet: run python jobs/{job}.py --lake {reading.lake.root}"
        )
    return found
