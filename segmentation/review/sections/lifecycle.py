"""Lifecycle: who is new, who stays, who comes back, who is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.lifecycle import draw_lifecycle, draw_retention
from segmentation.review.exhibits import Exhibit, Grid, GridColumn, Offer, Section
from segmentation.review.frames.lifecycle import list_periods, list_retention
from segmentation.tables import LIFECYCLE, RETENTION

if TYPE_CHECKING:
    from datetime import date

    from segmentation.review.sections.reading import Reading

FEWEST_MONTHS = 6
"""Months below which weeks say more."""
NEWEST = 26


def lifecycle_section(reading: Reading) -> Section:
    """Build the section; where build_lifecycle never ran, which is no fault, it says what the job would add."""
    cut = reading.newest_cut(LIFECYCLE)
    if cut is None:
        offer = Offer(
            "build_lifecycle", "who is new, who stays, who comes back and who is gone, and how long cohorts stay"
        )
        return Section("lifecycle", "Lifecycle", "Who comes and who stays has not been counted.", offers=(offer,))
    months = list_periods(reading.read(LIFECYCLE), cut, "month", NEWEST)
    unit = "month" if len(months) >= FEWEST_MONTHS else "week"
    exhibits = (*_periods(reading, cut, unit), *_retention(reading, cut, unit))
    lead = " ".join(exhibit.finding for exhibit in exhibits)
    return Section("lifecycle", "Lifecycle", lead, exhibits)


def _periods(reading: Reading, cut: date, unit: str) -> tuple[Exhibit, ...]:
    periods = list_periods(reading.read(LIFECYCLE), cut, unit, NEWEST)
    complete = [period for period in periods if period["complete"]]
    if not complete:
        return ()
    last = complete[-1]
    columns = (
        GridColumn("from", f"{unit.capitalize()} from"),
        *(GridColumn(kind, kind.capitalize(), "count") for kind in ("new", "returning", "resurrecting", "dormant")),
        GridColumn("over", "Over"),
    )
    rows = [{**p, "from": text.day(p["period"]), "over": "yes" if p["complete"] else "not yet"} for p in periods]
    exhibit = Exhibit(
        key="lifecycle",
        title="Who is new, who stays, who comes back, who is gone",
        finding=f"In the {unit} from {text.day(last['period'])} {text.plural(last['new'], 'user')} came for the first "
        f"time, {text.count(last['returning'])} stayed, {text.count(last['resurrecting'])} came back and "
        f"{text.count(last['dormant'])} went quiet.",
        figure=draw_lifecycle(periods),
        grid=Grid(columns, rows),
        method="Active: any event in the period. Every active user is new, returning (active the period before) or "
        "resurrecting; dormant, below the axis: active the period before and not in this one.",
    )
    return (exhibit,)


def _retention(reading: Reading, cut: date, unit: str) -> tuple[Exhibit, ...]:
    cells = list_retention(reading.read(RETENTION), cut, unit, NEWEST)
    after_one = [cell for cell in cells if cell["periods_later"] == 1]
    if not after_one:
        return ()
    users, active = (sum(cell[name] for cell in after_one) for name in ("users", "active"))
    columns = (
        GridColumn("from", f"Came first in the {unit} from"),
        GridColumn("periods_later", f"{unit.capitalize()}s later", "count"),
        GridColumn("users", "Users", "count"),
        GridColumn("active", "Active", "count"),
        GridColumn("share", "Share", "share"),
        GridColumn("share_lower", "95 % from", "share"),
        GridColumn("share_upper", "to", "share"),
    )
    exhibit = Exhibit(
        key="retention",
        title="How long cohorts stay",
        finding=f"{text.share_of(active, users)} of those who came for the first time were active one {unit} later.",
        figure=draw_retention(cells, unit=unit),
        grid=Grid(columns, [{**cell, "from": text.day(cell["cohort"])} for cell in cells]),
        min_width=640,
        method="Users by the period of their first event ever, their number beside it. Periods that are not over are "
        "left out. Intervals: Wilson's score, 95 %.",
    )
    return (exhibit,)
