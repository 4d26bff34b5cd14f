"""Propensity: who is likely to do what, and whether predictions come true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.models import draw_gains
from segmentation.review.charts.segments import BARS, draw_calibration, draw_scores
from segmentation.review.exhibits import Exhibit, Grid, GridColumn, Section
from segmentation.review.frames.segments import measure_scores
from segmentation.review.sections.trainings import training_exhibits
from segmentation.tables import SEGMENT_ASSIGNMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.review.frames.records import Record, Records
    from segmentation.review.sections.reading import Reading
    from segmentation.review.sections.registry import ModelRecords


def propensity_section(reading: Reading, models: ModelRecords) -> Section:
    """Build the section on propensities: of the models that scored last."""
    title = "How likely"
    cut = reading.newest_cut(SEGMENT_ASSIGNMENTS)
    scores = measure_scores(reading.read(SEGMENT_ASSIGNMENTS), cut) if cut else []
    if not scores:
        missing = ("train_propensity", *(reading.missing(SEGMENT_ASSIGNMENTS) or ("score_segments",)))
        return Section("propensity", title, "No user has been scored by a propensity model yet.", missing=missing)
    by_target: dict[str, Records] = {}
    for record in scores:
        by_target.setdefault(record["target"], []).append(record)
    targets = ", ".join(f"{text.shorten(t)} {text.share(_overall(rows))}" for t, rows in by_target.items())
    lead = f"Mean calibrated probability over all scored users as of {text.day(cut)}: {targets}."
    of_targets = (_scores(target, rows) for target, rows in by_target.items())
    exhibits = (
        *of_targets,
        *_calibration(models.calibration),
        *_gains(models.gains),
        *training_exhibits(models.trainings),
    )
    return Section("propensity", title, lead, exhibits)


def _times(lift: float | None) -> str:
    return "as likely as" if lift is None or text.number(lift) == "1" else f"{text.number(lift)} times as likely as"


def _overall(rows: Records) -> float:
    return sum(row["mean"] * row["users"] for row in rows) / sum(row["users"] for row in rows)


def _calibration(calibration: Mapping[str, Records]) -> tuple[Exhibit, ...]:
    if not calibration:
        return ()
    columns = (
        GridColumn("target", "Target"),
        GridColumn("bin", "Bin"),
        GridColumn("users", "Users", "count"),
        GridColumn("predicted", "Predicted", "share"),
        GridColumn("observed", "Came true", "share"),
        GridColumn("lower", "95 % from", "share"),
        GridColumn("upper", "to", "share"),
    )
    rows = [
        {"target": target, "bin": n, **p} for target, points in calibration.items() for n, p in enumerate(points, 1)
    ]
    return (
        Exhibit(
            key="calibration",
            title="Do predictions come true",
            finding=_furthest(rows),
            figure=draw_calibration(calibration),
            grid=Grid(columns, rows),
            method="Held-out users of a later window than the model learnt from, in bins of about equal size: mean "
            "calibrated probability against the share for whom it came true, with Wilson's 95 % interval.",
        ),
    )


def _furthest(rows: Records) -> str:
    worst = max(rows, key=lambda row: abs(row["predicted"] - row["observed"]))
    return (
        f"On the dotted line predictions come true. Furthest from it: {text.shorten(worst['target'])}, predicted "
        f"{text.share(worst['predicted'])}, came true {text.share(worst['observed'])} "
        f"({text.plural(worst['users'], 'user')})."
    )


def _gains(gains: Mapping[str, Records]) -> tuple[Exhibit, ...]:
    if not gains:
        return ()
    columns = (
        GridColumn("target", "Target"),
        GridColumn("share", "Likeliest users", "share"),
        GridColumn("users", "Users", "count"),
        GridColumn("captured", "Of those who did it", "share"),
        GridColumn("lift", "Lift", "number"),
        GridColumn("precision", "Did it", "share"),
        GridColumn("lower_95", "95 % from", "share"),
        GridColumn("upper_95", "to", "share"),
    )
    rows = [{"target": target, **point} for target, points in gains.items() for point in points]
    firsts = [(target, points[0]) for target, points in gains.items()]
    words = "; ".join(
        f"{text.shorten(target)}: the likeliest {text.share(point['share'], 0)} hold {text.share(point['captured'], 0)}"
        for target, point in firsts
    )
    return (
        Exhibit(
            key="gains",
            title="What is gained by asking the likeliest first",
            finding=f"Of those who did it, {words}. On the dotted line the order is worth nothing.",
            figure=draw_gains(gains),
            grid=Grid(columns, rows),
            method="Held-out later users in the order of their score, equal scores together. Lift: the share of these "
            "users that did it / everyone's, with Wilson's 95 % interval of the share.",
        ),
    )


def _scores(target: str, rows: Records) -> Exhibit:
    overall = _overall(rows)
    columns = (
        GridColumn("segment_name", "Segment"),
        GridColumn("users", "Users", "count"),
        GridColumn("mean", "Mean", "share"),
        GridColumn("lift", "Lift", "number"),
        GridColumn("lowest", "5 %", "share"),
        GridColumn("lower", "25 %", "share"),
        GridColumn("median", "Median", "share"),
        GridColumn("upper", "75 %", "share"),
        GridColumn("highest", "95 %", "share"),
        GridColumn("raw", "Mean before calibration", "share"),
    )
    table: list[Record] = [{**row, "lift": row["mean"] / overall if overall else None} for row in rows]
    top = table[0]
    return Exhibit(
        key=f"scores-{text.slug(target)}",
        title=f"How likely: {text.shorten(target, 60)}",
        finding=f"Likeliest: {text.shorten(top['segment_name'], 60)}, {text.share(top['mean'])} on average, "
        f"{_times(top['lift'])} the average user.",
        figure=draw_scores(rows),
        min_width=BARS,
        grid=Grid(columns, table),
        method="Calibrated probability. Box: 25 to 75 % of the segment's users, line: median, whiskers: 5 to 95 %. "
        "Lift: the segment's mean / everyone's.",
    )
