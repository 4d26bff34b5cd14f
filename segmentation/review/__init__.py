"""The review: what the tables show, as sections of exhibits, and as one self-contained page.

`build_sections(Reading(lake))` reads all, `read_section` one; an exhibit has a `finding`, a `figure` and a `grid`;
`render_page` makes the page. Nothing here writes a table.
"""

from segmentation.review.page import Provenance, build_sections, list_files, render_page
from segmentation.review.params import ReviewParams
from segmentation.review.questions import read_section
from segmentation.review.sections.propensity import read_calibration
from segmentation.review.sections.reading import Reading
from segmentation.review.sections.trainings import read_trainings

__all__ = [
    "Provenance",
    "Reading",
    "ReviewParams",
    "build_sections",
    "list_files",
    "read_calibration",
    "read_section",
    "read_trainings",
    "render_page",
]
