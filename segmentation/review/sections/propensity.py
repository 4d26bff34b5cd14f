"""Propensity: who is likely to do what, and whether predictions come true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmentation.review import text
from segmentation.review.charts.segments import draw_calibration, draw_scores
from segmentation.review.exhibits import Column, Exhibit, Grid, Section
from segmentation.review.frames.segments import list_scorers, measure_scores
from segmentation.review.sections.trainings import training_exhibits
from segmentation.tables.segment_assignments import SEGMENT_ASSIGNMENTS
from segmentation.tracking.trainings import propensity_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.review.frames.records import Record, Records
    from segmentation.review.sections.reading import Reading
    from segmentation.tracking import Tracking

CALIBRATION = "calibration"
"""The curve's name among those recorded with a training."""


def read_calibration(reading: Reading, tracking: Tracking) -> dict[str, Records]:
    """Read the calibration curves that were recorded when the models that scored last were trained.

    Returns:
        target -> points in ascending order of score: predicted, observed, lower and upper (95 %), users.
    """
    cut = reading.newest_cut(SEGMENT_ASSIGNMENTS)
    scorers = list_scorers(reading.lake.read(SEGMENT_ASSIGNMENTS), cut) if cut else []
    curves: dict[str, Records] = {}
    for scorer in scorers:
        kind = propensity_kind(scorer["target"])
        points = tracking.store.read_curve(kind, scorer["model_version"], CALIBRATION)
        if points:
            curves[scorer["target"]] = [{**p, "lower": p["lower_95"], "upper": p["upper_95"]} for p in points]
    return curves


def build_propensity(
    reading: Reading, calibration: Mapping[str, Records], trainings: Mapping[str, Mapping[str, Any]]
) -> Section:
    """Build the section on propensities.

    Args:
        reading: the lake at the cut.
        calibration: target -> points (predicted, observed, lower, upper, users) of the held-out calibration curve
            of the model that scored.
        trainings: target -> what was recorded of that model's training.
    """
    title = "Propensity"
    cut = reading.newest_cut(SEGMENT_ASSIGNMENTS)
    scores = measure_scores(reading.lake.read(SEGMENT_ASSIGNMENTS), cut) if cut else []
    if not scores:
        missing = ("train_propensity", *(reading.missing(SEGMENT_ASSIGNMENTS) or ("score_segments",)))
        return Section("propensity", title, "Nobody has been scored by a propensity model yet.", missing=missing)
    by_target: dict[str, Records] = {}
    for record in scores:
        by_target.setdefault(record["target"], []).append(record)
    targets = ", ".join(f"{text.shorten(t)} {text.share(_overall(rows))}" for t, rows in by_target.items())
    lead = f"Mean calibrated probability over all scored users as of {text.day(cut)}: {targets}."
    of_targets = (_scores(target, rows) for target, rows in by_target.items())
    exhibits = (*_calibration(calibration), *training_exhibits(trainings), *of_targets)
    return Section("propensity", title, lead, exhibits)


def _overall(rows: Records) -> float:
    return sum(row["mean"] * row["users"] for row in rows) / sum(row["users"] for row in rows)


def _calibration(calibration: Mapping[str, Records]) -> tuple[Exhibit, ...]:
    if not calibration:
        return ()
    columns = (
        Column("target", "Target"),
        Column("bin", "Bin"),
        Column("users", "Users", "count"),
        Column("predicted", "Predicted", "share"),
        Column("observed", "Came true", "share"),
        Column("lower", "95 % from", "share"),
        Column("upper", "to", "share"),
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


def _scores(target: str, rows: Records) -> Exhibit:
    overall = _overall(rows)
    columns = (
        Column("segment_name", "Segment"),
        Column("users", "Users", "count"),
        Column("mean", "Mean", "share"),
        Column("lift", "Lift", "number"),
        Column("lowest", "5 %", "share"),
        Column("lower", "25 %", "share"),
        Column("median", "Median", "share"),
        Column("upper", "75 %", "share"),
        Column("highest", "95 %", "share"),
        Column("raw", "Mean before calibration", "share"),
    )
    table: list[Record] = [{**row, "lift": row["mean"] / overall if overall else None} for row in rows]
    top = table[0]
    return Exhibit(
        key=f"scores-{text.slug(target)}",
        title=f"How likely: {text.shorten(target, 60)}",
        finding=f"Likeliest: {text.shorten(top['segment_name'], 60)}, {text.share(top['mean'])} on average, "
        f"{text.number(top['lift'])} times the average user.",
        figure=draw_scores(rows),
        grid=Grid(columns, table),
        method="Calibrated probability. Box: 25 to 75 % of the segment's users, line: median, whiskers: 5 to 95 %. "
        "Lift: the segment's mean / everyone's.",
    )
