"""How the propensity models in use were made: what they are held against, and what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmentation.review import text
from segmentation.review.exhibits import Column, Exhibit, Grid
from segmentation.review.frames.segments import list_scorers
from segmentation.tables.segment_assignments import SEGMENT_ASSIGNMENTS
from segmentation.tracking.trainings import REPORT, propensity_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.review.frames.records import Record, Records
    from segmentation.review.sections.reading import Reading
    from segmentation.tracking import Tracking

    Trainings = Mapping[str, Mapping[str, Any]]

MOST = 8
"""Features listed per target."""


def read_trainings(reading: Reading, tracking: Tracking) -> dict[str, dict[str, Any]]:
    """Read what was recorded of the models that scored last: target -> `propensity_report`."""
    cut = reading.newest_cut(SEGMENT_ASSIGNMENTS)
    scorers = list_scorers(reading.lake.read(SEGMENT_ASSIGNMENTS), cut) if cut else []
    found = {
        scorer["target"]: tracking.store.read_document(
            propensity_kind(scorer["target"]), scorer["model_version"], REPORT
        )
        for scorer in scorers
    }
    return {target: report for target, report in found.items() if report}


def training_exhibits(trainings: Trainings) -> tuple[Exhibit, ...]:
    """Build the exhibits on how models were made; none where nothing was recorded."""
    return (*_against_simple_models(trainings), *_by_segment(trainings), *_importances(trainings))


def _against_simple_models(trainings: Trainings) -> tuple[Exhibit, ...]:
    rows: list[Record] = [
        {
            "target": target,
            "model": report["chosen"].split(" ")[0].replace("_", " "),
            "calibration": report["calibration"]["method"],
            "against": name.replace("_", " "),
            **difference,
            "verdict": "ahead" if difference["is_ahead"] else "not ahead",
        }
        for target, report in trainings.items()
        for name, difference in report["ahead_of"].items()
    ]
    if not rows:
        return ()
    columns = (
        Column("target", "Target"),
        Column("model", "Model"),
        Column("calibration", "Calibration"),
        Column("against", "Held against"),
        Column("verdict", "Verdict"),
        Column("value", "Better by", "number"),
        Column("lower", "95 % from", "number"),
        Column("upper", "to", "number"),
    )
    behind = list(dict.fromkeys(str(row["target"]) for row in rows if row["verdict"] == "not ahead"))
    finding = (
        f"Not ahead of a simpler model: {', '.join(text.shorten(name) for name in behind)}."
        if behind
        else "Every model is ahead of the simpler ones."
    )
    return (
        Exhibit(
            key="against-simple-models",
            title="Is the model worth having",
            finding=finding,
            grid=Grid(columns, rows),
            method="Log loss of calibrated probabilities of held-out later users, the simpler model's less the "
            "model's, with the 95 % interval of a paired bootstrap. Majority: everybody gets the training share. RFM: "
            "a logistic regression on recency, frequency and monetary value.",
            open_table=True,
        ),
    )


def _by_segment(trainings: Trainings) -> tuple[Exhibit, ...]:
    rows: Records = [
        {"target": target, **one, "verdict": "off" if one["is_off"] else "within"}
        for target, report in trainings.items()
        for one in report["by_segment"]
    ]
    if not rows:
        return ()
    columns = (
        Column("target", "Target"),
        Column("segment", "Segment"),
        Column("users", "Users", "count"),
        Column("predicted", "Predicted", "share"),
        Column("observed", "Came true", "share"),
        Column("lower", "95 % from", "share"),
        Column("upper", "to", "share"),
        Column("verdict", "Verdict"),
    )
    off = sum(row["verdict"] == "off" for row in rows)
    return (
        Exhibit(
            key="calibration-by-segment",
            title="Do predictions come true in every segment",
            finding=f"{off} of {text.plural(len(rows), 'segment')} have a mean prediction outside the interval of "
            f"what came true; by chance alone about one in twenty would.",
            grid=Grid(columns, rows),
            method="Held-out later users, placed into the segments of the cluster model: mean calibrated probability "
            "against the share for whom it came true, with Wilson's 95 % interval.",
            open_table=True,
        ),
    )


def _importances(trainings: Trainings) -> tuple[Exhibit, ...]:
    rows: Records = [
        {"target": target, **one} for target, report in trainings.items() for one in report["importances"][:MOST]
    ]
    if not rows:
        return ()
    columns = (
        Column("target", "Target"),
        Column("feature", "Feature"),
        Column("loss", "Rise of log loss", "number"),
        Column("lower", "95 % from", "number"),
        Column("upper", "to", "number"),
    )
    first = {str(row["target"]): row["feature"] for row in reversed(rows)}
    tops = "; ".join(f"{text.shorten(t)} rests most on {text.shorten(f, 60)}" for t, f in sorted(first.items()))
    return (
        Exhibit(
            key="importances",
            title="What predictions rest on",
            finding=f"{tops[0].upper()}{tops[1:]}.",
            grid=Grid(columns, rows),
            method="Permutation importance: rise of the log loss of held-out later users when the feature's values are "
            "dealt out among them at random, with a 95 % interval over users. Features that say the same hide each "
            f"other. The {MOST} largest of each target.",
            open_table=True,
        ),
    )
