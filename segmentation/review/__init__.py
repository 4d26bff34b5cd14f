"""The review: what the tables show, as pages of sections of exhibits, and as a static site.

`build_pages(Reading(lake))` reads all, `read_section` one section; an exhibit has a `finding`, a `figure` and a `grid`;
`render_site` makes the files. Nothing here writes a table.
"""

from segmentation.review.pages import build_pages, build_sections
from segmentation.review.params import ReviewParams
from segmentation.review.questions import read_section
from segmentation.review.sections.reading import Reading
from segmentation.review.sections.registry import ModelRecords, read_models
from segmentation.review.site import Provenance, render_one_page, render_site

__all__ = [
    "ModelRecords",
    "Provenance",
    "Reading",
    "ReviewParams",
    "build_pages",
    "build_sections",
    "read_models",
    "read_section",
    "render_one_page",
    "render_site",
]
