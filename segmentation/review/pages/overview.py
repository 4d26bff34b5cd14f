"""The overview: what was found, in sentences, and which thresholds are crossed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.exhibits import Note, Page, Section
from segmentation.review.sections.overview import overview_section

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segmentation.review.sections.reading import Reading


def build_overview_page(reading: Reading, pages: Sequence[Page]) -> Page:
    """Build the site's first page from the others."""
    return Page(
        key="index",
        title="Overview",
        question="What the data show, in sentences; every figure behind them has its chart, its table and its method.",
        sections=(overview_section(reading), _crossed(pages), _found(pages)),
    )


def _crossed(pages: Sequence[Page]) -> Section:
    notes = tuple(
        Note("", sentence, page.title, page.file, exhibit.key, crossed=True)
        for page in pages
        for exhibit in page.exhibits
        for sentence in exhibit.crossed
    )
    lead = (
        f"{text.plural(len(notes), 'threshold')} crossed. Look here first."
        if notes
        else "None of what has been judged crosses its threshold."
    )
    return Section("crossed", "Thresholds crossed", lead, notes=notes)


def _found(pages: Iterable[Page]) -> Section:
    notes = tuple(
        Note(exhibit.title, exhibit.finding, page.title, page.file, exhibit.key)
        for page in pages
        for exhibit in page.exhibits
        if exhibit.key in page.quoted
    )
    lead = (
        "Each leads to its chart, its table and its method."
        if notes
        else "Nothing has been found yet: the jobs named above make what the pages show."
    )
    return Section("found", "What was found", lead, notes=notes)
