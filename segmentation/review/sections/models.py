"""Models: which is in use, which challenge it, what was decided and why, and what the choice was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.models.clustering import CLUSTERS
from segmentation.review import text
from segmentation.review.charts.base import LONG_ROWS
from segmentation.review.charts.models import draw_by_k, draw_intervals
from segmentation.review.exhibits import Card, Exhibit, Grid, GridColumn, Section
from segmentation.review.frames.models import list_decisions
from segmentation.review.sections.registry import IN_USE
from segmentation.tables import MODEL_DECISIONS

if TYPE_CHECKING:
    from segmentation.review.frames.records import Record, Records
    from segmentation.review.sections.reading import Reading
    from segmentation.review.sections.registry import ModelRecords

TRAINERS = ("train_clusters", "train_propensity")
_SHOWN = {CLUSTERS: ("silhouette_euclidean", "davies_bouldin", "bootstrap_jaccard_min")}
_SHOWN_PROPENSITY = ("log_loss", "auc_roc", "auc_pr", "calibration_error")
_CURVES = {
    "silhouette": ("Euclidean silhouette", "How well apart: silhouette by number of segments"),
    "stability": ("least bootstrap Jaccard", "How stable: the least stable segment by number of segments"),
    "elbow": ("sum of squared distances", "How close together: cost by number of segments"),
}


def registry_section(reading: Reading, models: ModelRecords) -> Section:
    """Build the section on versions and decisions."""
    versions = models.versions
    if not versions:
        return Section("registry", "In use", "No model has been trained yet.", missing=TRAINERS)
    champions = [version for version in versions if version["role"] == IN_USE]
    kinds = dict.fromkeys(version["kind"] for version in versions)
    lead = (
        f"{text.plural(len(versions), 'version')} of {text.plural(len(kinds), 'model')}; "
        f"{text.count(len(champions))} in use. A challenger takes over only if it is better beyond chance."
    )
    exhibits = (_versions(versions), *_decisions(reading))
    return Section("registry", "In use", lead, exhibits, cards=tuple(_champion(one) for one in champions))


def name_model(kind: str) -> str:
    """Write a kind of model in words: `propensity-churn` becomes `Propensity: churn`."""
    start, _, target = kind.partition("-")
    return f"{start.capitalize()}: {text.clean(target)}" if target else start.capitalize()


def _champion(version: Record) -> Card:
    chosen = version["chosen"].replace("_", " ")
    return Card(text.shorten(name_model(version["kind"]), 40), f"v{version['version']}", text.shorten(chosen, 48))


def _versions(versions: Records) -> Exhibit:
    columns = (
        GridColumn("model", "Model"),
        GridColumn("version", "Version"),
        GridColumn("role", "Role"),
        GridColumn("measures", "Measured"),
        GridColumn("trained_for", "Trained for"),
        GridColumn("made_by", "Chosen"),
        GridColumn("decision", "Decision"),
        GridColumn("reason", "Why"),
    )
    rows = [
        {
            **version,
            "model": name_model(version["kind"]),
            "trained_for": version["as_of"],
            "made_by": version["chosen"].replace("_", " "),
            "decision": version["decision"] or "not decided yet",
            "measures": _measures(version),
        }
        for version in versions
    ]
    waiting = [row for row in rows if row["role"] == "challenger"]
    finding = "Every model's newest version is its champion; there is no challenger."
    if waiting:
        first = waiting[0]
        finding = (
            f"{text.plural(len(waiting), 'challenger')} beside the champions, first {text.shorten(first['model'], 60)} "
            f"version {first['version']}: {text.shorten(first['reason'] or first['decision'], 200)}."
        )
    return Exhibit(
        key="model-versions",
        title="Champions and challengers",
        finding=finding,
        grid=Grid(columns, rows),
        open_table=True,
        method="Versions of the model registry, newest first. Measured on users of a later window than the model "
        "learnt from; clusters on their training users. One command takes a champion back: jobs/rollback_model.py.",
    )


def _measures(version: Record) -> str:
    names = _SHOWN.get(version["kind"], _SHOWN_PROPENSITY)
    known = ((name, version["metrics"][name]) for name in names if name in version["metrics"])
    return ", ".join(f"{text.name_measure(name)} {text.number(value)}" for name, value in known)


def _decisions(reading: Reading) -> tuple[Exhibit, ...]:
    table = reading.read(MODEL_DECISIONS)
    decisions = list_decisions(table, reading.as_of, reading.params.versions * 3)
    if not decisions:
        return ()
    rows = [{**d, "name": name_model(d["model"]), "on": text.minute(d["decided_at"])} for d in decisions]
    compared = [{**row, "value": row["difference"]} for row in rows if row["difference"] is not None]
    newest = rows[0]
    columns = (
        GridColumn("name", "Model"),
        GridColumn("on", "Decided"),
        GridColumn("version", "Version"),
        GridColumn("decision", "Decision"),
        GridColumn("champion_before", "Champion before"),
        GridColumn("champion_after", "Champion after"),
        GridColumn("metric", "Compared by"),
        GridColumn("difference", "Better by", "number"),
        GridColumn("lower", "95 % from", "number"),
        GridColumn("upper", "to", "number"),
        GridColumn("reason", "Why"),
    )
    figure = (
        draw_intervals(
            compared,
            title="better than the champion by",
            names=[f"{row['name']} v{row['version']}" for row in compared],
        )
        if compared
        else None
    )
    exhibit = Exhibit(
        key="model-decisions",
        title="What was decided, and why",
        finding=f"Last: {text.shorten(newest['name'], 60)} version {newest['version']} {newest['decision']}, "
        f"{text.shorten(newest['reason'], 200)}.",
        figure=figure,
        min_width=LONG_ROWS if figure else 0,
        grid=Grid(columns, rows),
        open_table=figure is None,
        method="Every decision and rollback. Both versions are measured on the same users, of clusters each in its own "
        "space; the interval is that of a paired bootstrap. Right of 0 as a whole: better beyond chance.",
    )
    return (exhibit,)


def build_choice(models: ModelRecords) -> tuple[Section, ...]:
    """Build the section on how the segments in use were chosen; none where that was not recorded."""
    exhibits = (*_candidates(models.candidates), *(_curve(name, points) for name, points in models.by_k.items()))
    if not exhibits:
        return ()
    lead = (
        "Of the candidates whose every segment comes back when users are drawn again and is large enough, and that "
        "are further apart than data without clusters, the one with the greatest silhouette is used."
    )
    return (Section("cluster-choice", "How segments were chosen", lead, exhibits),)


def _candidates(candidates: Records) -> tuple[Exhibit, ...]:
    if not candidates:
        return ()
    columns = (
        GridColumn("name", "Candidate"),
        GridColumn("verdict", "Verdict"),
        GridColumn("silhouette", "Silhouette", "number"),
        GridColumn("silhouette_limit", "Without clusters up to", "number"),
        GridColumn("jaccard_min", "Least Jaccard", "number"),
        GridColumn("smallest_share", "Smallest segment", "share"),
        GridColumn("davies_bouldin", "Davies-Bouldin", "number"),
    )
    rows = sorted(candidates, key=lambda one: (not one["chosen"], -one["silhouette"], one["name"]))
    rows = [{**row, "name": row["name"].replace("_", " ")} for row in rows]
    chosen = rows[0]
    finding = (
        f"{text.shorten(chosen['name'], 60)} of {text.plural(len(rows), 'candidate')}: silhouette "
        f"{text.number(chosen['silhouette'])}, where data without clusters reach "
        f"{text.number(chosen['silhouette_limit'])}."
        if chosen["chosen"]
        else f"None of {text.plural(len(rows), 'candidate')} keeps to all rules: there is one segment of all users."
    )
    exhibit = Exhibit(
        key="cluster-candidates",
        title="What was tried",
        finding=f"{finding[0].upper()}{finding[1:]}",
        grid=Grid(columns, rows),
        open_table=True,
        method="On a fixed sample of users. Jaccard: of the segment that comes back least in bootstrap samples.",
    )
    return (exhibit,)


def _curve(name: str, points: Records) -> Exhibit:
    y_title, title = _CURVES[name]
    columns = tuple(GridColumn(key, key.replace("_", " "), "count" if key == "k" else "number") for key in points[0])
    lines = [(value, key, point["k"]) for point in points for key, value in point.items() if key != "k" and value]
    methods = [line for line in lines if line[1] != "without clusters"]
    best = (min if name == "elbow" else max)(methods, key=lambda line: (line[0], line[1]))
    ends = "least" if name == "elbow" else "greatest"
    return Exhibit(
        key=f"cluster-{name}",
        title=title,
        finding=f"The {ends} {y_title}: {text.number(best[0])}, {best[1].replace('_', ' ')} "
        f"with {text.count(best[2])} segments.",
        figure=draw_by_k(points, y_title),
        grid=Grid(columns, points),
        method="By method and space (all scaled features, or their principal components); of equal k the greatest "
        "figure. Dotted: what data without clusters reach.",
    )
