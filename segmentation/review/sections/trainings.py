"""Show the trainings of the propensity models in use: baselines and importance of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmentation.review import text
from segmentation.review.charts.base import LONG_ROWS
from segmentation.review.charts.models import draw_intervals
from segmentation.review.exhibits import Exhibit, Grid, GridColumn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.review.frames.records import Record, Records

    Trainings = Mapping[str, Mapping[str, Any]]

MOST = 8
"""Features listed per target."""


def training_exhibits(trainings: Trainings) -> tuple[Exhibit, ...]:
    """Build the exhibits on how models were made; none where nothing was recorded."""
    return (*_against_simple_models(trainings), *_by_segment(trainings), *_importances(trainings))


def candidate_exhibits(trainings: Trainings) -> tuple[Exhibit, ...]:
    """Build the exhibit on the settings that were tried; none where nothing was recorded."""
    rows: Records = [
        {
            "target": target,
            "setting": one["setting"].replace("_", " "),
            "verdict": "chosen" if one["chosen"] else "",
            "log_loss": one["cross_validated"].get("log_loss"),
            "auc_pr": one["cross_validated"].get("auc_pr"),
            **{f"later_{name}": (one["later"] or {}).get(name) for name in ("auc_pr", "auc_roc")},
        }
        for target, report in trainings.items()
        for one in report.get("candidates", [])
    ]
    if not rows:
        return ()
    columns = (
        GridColumn("target", "Target"),
        GridColumn("setting", "Setting"),
        GridColumn("verdict", "Verdict"),
        GridColumn("log_loss", "Log loss, cross-validated", "number"),
        GridColumn("auc_pr", "Area under precision-recall, cross-validated", "number"),
        GridColumn("later_auc_pr", "The same, later users", "number"),
        GridColumn("later_auc_roc", "Area under ROC, later users", "number"),
    )
    chosen = [row for row in rows if row["verdict"]]
    words = "; ".join(f"{text.shorten(row['target'])}: {text.shorten(row['setting'], 80)}" for row in chosen)
    return (
        Exhibit(
            key="propensity-candidates",
            title="What was tried for each target",
            finding=f"Chosen of {text.plural(len(rows), 'setting')}: {words}.",
            grid=Grid(columns, rows),
            method="Cross-validated over time, with a gap, on the training cuts. The best setting of each kind is "
            "measured once more on later users.",
            open_table=True,
        ),
    )


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
        GridColumn("target", "Target"),
        GridColumn("model", "Model"),
        GridColumn("calibration", "Calibration"),
        GridColumn("against", "Held against"),
        GridColumn("verdict", "Verdict"),
        GridColumn("value", "Better by", "number"),
        GridColumn("lower", "95 % from", "number"),
        GridColumn("upper", "to", "number"),
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
            crossed=tuple(f"The model of {text.shorten(name)} is not ahead of a simpler one." for name in behind),
            figure=draw_intervals(
                rows,
                title="log loss better than that of the simpler model by",
                names=[f"{row['target']}, against {row['against']}" for row in rows],
            ),
            min_width=LONG_ROWS,
            grid=Grid(columns, rows),
            method="Log loss of calibrated probabilities of held-out later users, the simpler model's less the "
            "model's, with the 95 % interval of a paired bootstrap. Majority: everybody gets the training share. RFM: "
            "a logistic regression on recency, frequency and monetary value.",
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
        GridColumn("target", "Target"),
        GridColumn("segment", "Segment"),
        GridColumn("users", "Users", "count"),
        GridColumn("predicted", "Predicted", "share"),
        GridColumn("observed", "Came true", "share"),
        GridColumn("lower", "95 % from", "share"),
        GridColumn("upper", "to", "share"),
        GridColumn("verdict", "Verdict"),
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
        {"target": target, "words": text.feature(one["feature"]), **one}
        for target, report in trainings.items()
        for one in [one for one in report["importances"] if one["loss"] or one["lower"] or one["upper"]][:MOST]
    ]
    if not rows:
        return ()
    columns = (
        GridColumn("target", "Target"),
        GridColumn("words", "Feature"),
        GridColumn("loss", "Rise of log loss", "number"),
        GridColumn("lower", "95 % from", "number"),
        GridColumn("upper", "to", "number"),
        GridColumn("feature", "Column", "code"),
    )
    first = {str(row["target"]): row["feature"] for row in reversed(rows)}
    tops = "; ".join(f"{text.shorten(t)} rests most on {text.feature(f)}" for t, f in sorted(first.items()))
    return (
        Exhibit(
            key="importances",
            title="What predictions rest on",
            finding=f"{tops[0].upper()}{tops[1:]}.",
            figure=draw_intervals(
                [{**row, "value": row["loss"]} for row in rows],
                title="rise of log loss without it",
                names=[f"{text.shorten(row['target'], 12)}: {text.feature(row['feature'])}" for row in rows],
            ),
            min_width=LONG_ROWS,
            grid=Grid(columns, rows),
            method="Permutation importance: rise of the log loss of held-out later users when the feature's values are "
            "dealt out among them at random, with a 95 % interval over users. Features that say the same hide each "
            f"other. The {MOST} largest of each target that the model uses.",
        ),
    )
