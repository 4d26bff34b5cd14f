"""Cohorts: the segments by rule, and how they lie across the model's segments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.segments import BARS, draw_crossing, draw_sizes
from segmentation.review.exhibits import Exhibit, Grid, GridColumn, Section
from segmentation.review.frames.records import fetch_one
from segmentation.review.frames.segments import count_cohorts, cross_cohorts
from segmentation.tables import COHORTS, SEGMENT_ASSIGNMENTS, USER_FEATURES

if TYPE_CHECKING:
    from datetime import date

    from segmentation.review.frames.records import Record, Records
    from segmentation.review.sections.reading import Reading

_PERCENTILE = "percentile"


def cohorts_section(reading: Reading) -> Section:
    """Build the section on the segments by rule."""
    cut = reading.newest_cut(COHORTS)
    if cut is None:
        missing = reading.missing(COHORTS) or ("build_cohorts",)
        return Section("cohorts", "Cohorts", "No user is in a segment by rule yet.", missing=missing)
    cohorts = count_cohorts(reading.read(COHORTS), cut)
    users = _users_at(reading, cut)
    lead = (
        f"{text.plural(len(cohorts), 'rule')} of conf/segments with members, of {text.plural(users, 'user')} as of "
        f"{text.day(cut)}. A user may be in several."
    )
    exhibits = (_sizes(cohorts, users), *_crossing(reading, cut, [cohort["rule"] for cohort in cohorts]))
    return Section("cohorts", "Cohorts", lead, exhibits)


def write_thresholds(thresholds: str | None) -> str:
    """Write the comparisons in force; a percentile with the value it stands for."""
    pairs = sorted(json.loads(thresholds or "{}").items())
    return "; ".join(f"{label} = {text.number(value)}" if _PERCENTILE in label else label for label, value in pairs)


def _users_at(reading: Reading, cut: date) -> int:
    at_cut = reading.read(USER_FEATURES).where(f"as_of = DATE'{cut}'")
    return int(fetch_one(at_cut.selectExpr("count(*) AS users"))["users"])


def _sizes(cohorts: Records, users: int) -> Exhibit:
    columns = (
        GridColumn("name", "Cohort"),
        GridColumn("users", "Users", "count"),
        GridColumn("share", "Share of users", "share"),
        GridColumn("in_force", "Thresholds in force", "code"),
        GridColumn("rule_version", "Version", "code"),
    )
    largest = cohorts[0]
    return Exhibit(
        key="cohort-sizes",
        title="How large the cohorts are",
        finding=f"The largest: {text.feature(largest['rule'])}, {text.plural(largest['users'], 'user')}"
        f" ({text.share_of(largest['users'], users)}).",
        figure=draw_sizes(
            [text.feature(cohort["rule"]) for cohort in cohorts],
            [cohort["users"] for cohort in cohorts],
            total=users,
            colour="var(--series-1)",
        ),
        grid=Grid(columns, [_row(cohort, users) for cohort in cohorts]),
        min_width=BARS,
        method="A rule without members is not listed. A percentile is shown with the value it resolved to at the cut.",
    )


def _row(cohort: Record, users: int) -> Record:
    return {
        **cohort,
        "name": text.feature(cohort["rule"]),
        "share": cohort["users"] / users if users else None,
        "in_force": write_thresholds(cohort["thresholds"]),
    }


def _crossing(reading: Reading, cut: date, rules: list[str]) -> tuple[Exhibit, ...]:
    segments = reading.profiles
    if not segments or segments[0]["as_of"] != cut:
        return ()
    crossing = cross_cohorts(reading.read(COHORTS), reading.read(SEGMENT_ASSIGNMENTS), cut)
    names = {segment["segment_id"]: segment["segment_name"] for segment in segments}
    rows = [{**r, "name": text.feature(r["rule"]), "segment": names.get(r["segment_id"])} for r in crossing]
    columns = (GridColumn("name", "Cohort"), GridColumn("segment", "Segment"), GridColumn("users", "Users", "count"))
    return (
        Exhibit(
            key="cohorts-by-segment",
            title="Cohorts across segments",
            finding="Where the members of each cohort are among the model's segments; a row adds up to 100 %.",
            figure=draw_crossing(rules, segments, crossing),
            grid=Grid(columns, rows),
            min_width=200 + 130 * len(segments),
        ),
    )
