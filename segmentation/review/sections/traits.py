"""Traits: what is known of customers beside what they do, such as plan, country and consent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.exhibits import Exhibit, Grid, GridColumn, Section
from segmentation.review.frames.traits import count_trait_values
from segmentation.tables import PROFILES

if TYPE_CHECKING:
    from segmentation.review.frames.records import Record
    from segmentation.review.sections.reading import Reading

VALUES = 12
"""Values of a trait that are listed by name."""


def traits_sections(reading: Reading) -> tuple[Section, ...]:
    """Build the section on the traits of users; there is none if no trait has a value."""
    if reading.lake.version(PROFILES) is None:
        return ()
    rows = count_trait_values(reading.read(PROFILES), reading.as_of, VALUES)
    if not rows:
        return ()
    traits = list(dict.fromkeys(row["trait"] for row in rows))
    lead = f"{text.plural(len(traits), 'trait')} of conf/profiles.yaml with values: {', '.join(traits)}."
    columns = (
        GridColumn("trait", "Trait"),
        GridColumn("value", "Value"),
        GridColumn("users", "Users", "count"),
        GridColumn("share", "Share of users with a value", "share"),
    )
    first = rows[0]
    exhibit = Exhibit(
        key="trait-values",
        title="Which values traits have",
        finding=f"The most frequent {text.feature(first['trait'])} is {text.shorten(first['value'])}: "
        f"{text.share_of(first['users'], first['known'])} of the users whose {text.feature(first['trait'])} is known.",
        grid=Grid(columns, [_row(row) for row in rows]),
        method=f"Values at the cut as known today, the {VALUES} most frequent of each trait by name. "
        "Days of this table are in UTC.",
        open_table=True,
    )
    return (Section("traits", "Traits", lead, (exhibit,)),)


def _row(row: Record) -> Record:
    return {**row, "value": text.shorten(row["value"], 40), "share": row["users"] / row["known"]}
