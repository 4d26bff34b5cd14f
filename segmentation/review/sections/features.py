"""Features: how they are distributed, what is missing, what goes together, what changed since the cut before."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.base import LONG_ROWS
from segmentation.review.charts.features import draw_changes, draw_histograms, draw_missing
from segmentation.review.exhibits import Exhibit, Grid, GridColumn, Offer, Section
from segmentation.review.frames.features import list_correlations, list_statistics
from segmentation.tables import FEATURE_CORRELATIONS, FEATURE_STATISTICS

if TYPE_CHECKING:
    from datetime import date

    from segmentation.review.frames.records import Records
    from segmentation.review.sections.reading import Reading

NAME = GridColumn("name", "Feature")


def features_section(reading: Reading) -> Section:
    """Build the section; where describe_features never ran, which is no fault, it says what the job would add."""
    cut = reading.newest_cut(FEATURE_STATISTICS)
    if cut is None:
        offer = Offer(
            "describe_features", "how features are distributed, what is missing, what goes together and what changed"
        )
        return Section("features", "Features", "Features have not been described.", offers=(offer,))
    statistics = [
        {**record, "name": text.feature(record["feature"])}
        for record in list_statistics(reading.read(FEATURE_STATISTICS), cut)
    ]
    shown = reading.params.features
    exhibits = (
        *_changes(statistics, shown),
        _distributions(statistics, shown),
        *_missing(statistics, shown),
        *_correlations(reading, cut),
    )
    lead = (
        f"{text.plural(len(statistics), 'feature')} of {text.plural(statistics[0]['users'], 'user')} as of "
        f"{text.day(cut)}. {exhibits[0].finding}"
    )
    return Section("features", "Features", lead, exhibits)


def _changes(statistics: Records, shown: int) -> tuple[Exhibit, ...]:
    before = statistics[0]["previous_as_of"]
    if before is None:
        return ()
    counted = Counter(record["status"] for record in statistics)
    columns = (
        NAME,
        GridColumn("psi", "Stability index", "number"),
        GridColumn("psi_noise", "By chance up to", "number"),
        GridColumn("status", "Verdict"),
    )
    exhibit = Exhibit(
        key="feature-changes",
        title="What changed since the cut before",
        finding=f"Since {text.day(before)} {text.plural(counted['shifted'], 'feature')} shifted and "
        f"{counted['moved']} moved.",
        figure=draw_changes(statistics[:shown]),
        min_width=LONG_ROWS,
        grid=Grid(columns, statistics),
        method="Population stability index over the deciles of the cut before, null apart; moved and shifted: beyond "
        "the thresholds of feature_report and beyond what chance gives 1 time in 20.",
    )
    return (exhibit,)


def _distributions(statistics: Records, shown: int) -> Exhibit:
    percentiles = (GridColumn(f"p{share:02d}", f"p{share}", "number") for share in (5, 25, 50, 75, 95))
    columns = (
        NAME,
        GridColumn("zeros_share", "Zero", "share"),
        GridColumn("minimum", "Least", "number"),
        *percentiles,
        GridColumn("maximum", "Greatest", "number"),
        GridColumn("mean", "Mean", "number"),
        GridColumn("std", "Standard deviation", "number"),
    )
    sampled, users = statistics[0]["sampled"], statistics[0]["users"]
    of = "all users" if sampled == users else f"a fixed sample of {text.plural(sampled, 'user')}"
    drawn = [record for record in statistics if record["bin_counts"]][:shown]
    return Exhibit(
        key="feature-distributions",
        title="How they are distributed",
        finding=f"From the 1st to the 99th percentile, of {of}.",
        figure=draw_histograms(drawn),
        grid=Grid(columns, statistics),
        min_width=760,
        method="Zero, least and greatest are of all users; percentiles are interpolated linearly.",
    )


def _missing(statistics: Records, shown: int) -> tuple[Exhibit, ...]:
    missing = sorted((r for r in statistics if r["nulls"]), key=lambda r: (-r["nulls"], r["feature"]))
    if not missing:
        return ()
    exhibit = Exhibit(
        key="feature-missing",
        title="What is undefined",
        finding=f"{text.plural(len(missing), 'feature')} undefined for some users; most of all "
        f"{missing[0]['name']} ({text.share(missing[0]['nulls_share'])}).",
        figure=draw_missing(missing[:shown]),
        min_width=LONG_ROWS,
        grid=Grid((NAME, GridColumn("nulls", "Users", "count"), GridColumn("nulls_share", "Share", "share")), missing),
        method="Undefined is no fault: docs/features.md says when a feature is null.",
    )
    return (exhibit,)


def _correlations(reading: Reading, cut: date) -> tuple[Exhibit, ...]:
    pairs = list_correlations(reading.read(FEATURE_CORRELATIONS), cut)
    if not pairs:
        return ()
    columns = (
        GridColumn("one", "Feature"),
        GridColumn("two", "goes with"),
        GridColumn("spearman", "Rank correlation", "number"),
        GridColumn("users", "Users", "count"),
    )
    rows = [{**pair, "one": text.feature(pair["feature"]), "two": text.feature(pair["other"])} for pair in pairs]
    exhibit = Exhibit(
        key="feature-correlations",
        title="What goes together",
        finding=f"{text.plural(len(pairs), 'pair')} of features say much the same, the closest "
        f"{rows[0]['one']} and {rows[0]['two']}.",
        grid=Grid(columns, rows),
        method="Spearman's rank correlation over users of whom both are known.",
    )
    return (exhibit,)
