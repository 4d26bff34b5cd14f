"""Sessions: how many, when, on what, how long, and how many of the durations are unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.sessions import draw_quality, draw_sessions
from segmentation.review.exhibits import Exhibit, Grid, GridColumn, Section
from segmentation.review.frames.sessions import (
    OTHER_PLATFORMS,
    Period,
    choose_period,
    count_sessions,
    measure_periods,
    measure_platforms,
)
from segmentation.tables import SESSIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.review.frames.records import Record, Records
    from segmentation.review.sections.reading import Reading

_DURATIONS = (
    GridColumn("sessions", "Sessions", "count"),
    GridColumn("converted", "Converted", "count"),
    GridColumn("conversion", "Conversion", "share"),
    GridColumn("unknown", "Duration unknown", "count"),
    GridColumn("unknown_share", "Unknown share", "share"),
    GridColumn("median_s", "Median duration", "seconds"),
)


def sessions_section(reading: Reading) -> Section:
    """Build the section on sessions."""
    missing = reading.missing(SESSIONS)
    sessions = reading.before_cut(SESSIONS, "session_date")
    total = reading.sessions
    if not total["sessions"]:
        return Section("sessions", "Sessions", "There are no sessions yet.", missing=missing or ("build_sessions",))
    period = choose_period(total["first_day"], total["last_day"], reading.params.periods)
    lead = (
        f"{text.plural(total['sessions'], 'session')}, {text.share_of(total['converted'], total['sessions'])} with a "
        f"conversion. The duration of {text.share_of(total['unknown'], total['sessions'])} is unknown: they hold one "
        "event, and the source supplied none."
    )
    platforms: Records = [_with_shares(record) for record in measure_platforms(sessions)]
    named = [platform["platform"] for platform in platforms[: reading.params.platforms]]
    exhibits = (_counts(sessions, period, named), _quality(sessions, period), _platforms(platforms))
    return Section("sessions", "Sessions", lead, exhibits)


def _counts(sessions: DataFrame, period: Period, platforms: list[str]) -> Exhibit:
    counts = count_sessions(sessions, period=period, platforms=platforms)
    totals: dict[object, int] = {}
    for record in counts:
        totals[record["period"]] = totals.get(record["period"], 0) + record["sessions"]
    busiest = max(totals, key=lambda start: (totals[start], start))
    shown = [*platforms, OTHER_PLATFORMS] if any(r["platform"] == OTHER_PLATFORMS for r in counts) else platforms
    columns = (
        GridColumn("period", period.capitalize()),
        GridColumn("platform", "Platform"),
        GridColumn("sessions", "Sessions", "count"),
        GridColumn("converted", "Converted", "count"),
    )
    return Exhibit(
        key="sessions-by-platform",
        title=f"Sessions per {period} and platform",
        finding=f"The busiest {period} {'is' if period == 'day' else 'begins'} {text.day(busiest)} "  # type: ignore[arg-type]
        f"with {text.plural(totals[busiest], 'session')}.",
        figure=draw_sessions(counts, shown),
        grid=Grid(columns, counts),
        method="A session counts on the day it starts, under the platform of its first event.",
    )


def _quality(sessions: DataFrame, period: Period) -> Exhibit:
    periods = [_with_shares(record) for record in measure_periods(sessions, period=period)]
    return Exhibit(
        key="sessions-quality",
        title=f"Conversion and duration per {period}",
        finding="Conversion is the share of sessions with a conversion event; durations are those observed.",
        figure=draw_quality(periods),
        grid=Grid((GridColumn("period", period.capitalize()), *_DURATIONS), periods),
        method="Median: the lower one, in whole seconds, of observed durations; sessions over the cap are left out.",
    )


def _platforms(platforms: Records) -> Exhibit:
    columns = (
        GridColumn("platform", "Platform"),
        GridColumn("sessions", "Sessions", "count"),
        GridColumn("median_s", "Median duration", "seconds"),
        GridColumn("lower_quartile_s", "Lower quartile", "seconds"),
        GridColumn("upper_quartile_s", "Upper quartile", "seconds"),
        GridColumn("unknown", "Duration unknown", "count"),
        GridColumn("unknown_share", "Unknown share", "share"),
        GridColumn("capped", "Over the cap", "count"),
        GridColumn("conversion", "Conversion", "share"),
    )
    words = [f"{text.seconds(p['median_s'])} on {text.shorten(p['platform'], 20)}" for p in platforms[:4]]
    return Exhibit(
        key="sessions-platforms",
        title="Platforms, and what unknown durations are imputed with",
        finding=f"An unknown duration is reported as its platform's median: {', '.join(words)}.",
        grid=Grid(columns, platforms),
        open_table=True,
        method="Imputation enters features and reports only; table sessions keeps what was observed.",
    )


def _with_shares(record: Record) -> Record:
    sessions = record["sessions"]
    return {**record, "conversion": record["converted"] / sessions, "unknown_share": record["unknown"] / sessions}
