"""History: what was found at every cut, and what was published when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.lines import Line, draw_counts, draw_indices, draw_lines, draw_multiples
from segmentation.review.exhibits import Exhibit, Grid, GridColumn, Section
from segmentation.review.frames.history import (
    RECENT_DAYS,
    count_alerts,
    list_measures,
    list_past_drift,
    list_publications,
    list_sizes,
    measure_past_engagement,
)
from segmentation.review.sections.monitoring import name_scope
from segmentation.tables import (
    ALERTS,
    DRIFT,
    EVALUATIONS,
    MONITORED_RATES,
    PUBLICATIONS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_PROFILES,
    USER_DAYS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from segmentation.review.frames.records import Records
    from segmentation.review.sections.reading import Reading

FEWEST = 2
"""Cuts from which there is anything to draw over time."""
SCOPES = ("clusters", "propensity")
LINES = 8
"""Segments drawn at most, the largest; the table holds all."""


def segment_history_section(reading: Reading) -> Section:
    """Build the section on the sizes and the engagement of segments over cuts."""
    cuts = _cuts(reading, SEGMENT_PROFILES)
    if not cuts:
        return Section("segment-history", "Segments", "No cut has been scored yet.", missing=("score_segments",))
    sizes = list_sizes(reading.read(SEGMENT_PROFILES), cuts)
    names = {record["segment_id"]: record["segment_name"] for record in sizes}
    exhibits = (_sizes(sizes, names, cuts), *_engagement(reading, names))
    return Section("segment-history", "Segments", _lead(cuts, "score_segments"), exhibits)


def _cuts(reading: Reading, *tables: object) -> list[date]:
    """Return the newest cuts of any of the tables, oldest first."""
    found = {cut for table in tables for cut in reading.cuts(table)}  # type: ignore[arg-type]
    return sorted(found)[-reading.params.cuts :]


def _lead(cuts: Sequence[date], job: str) -> str:
    if len(cuts) < FEWEST:
        return (
            f"One cut so far, {text.day(cuts[0])}: there is no line to draw yet. The next run on newer data adds "
            f"the second; an earlier one comes from jobs/{job}.py with --as-of."
        )
    return f"{text.plural(len(cuts), 'cut')} from {text.day(cuts[0])} to {text.day(cuts[-1])}."


def _sizes(sizes: Records, names: dict[str, str], cuts: Sequence[date]) -> Exhibit:
    lines = trace_segments(sizes, names, cuts, "share")
    columns = (
        GridColumn("as_of", "Cut"),
        GridColumn("segment_name", "Segment"),
        GridColumn("users", "Users", "count"),
        GridColumn("share", "Share", "share"),
        GridColumn("cluster_model_version", "Model version"),
        GridColumn("segment_id", "Id", "code"),
    )
    return Exhibit(
        key="segment-sizes-over-time",
        title="How large the segments were",
        finding=describe_growth(lines, cuts)
        if len(cuts) >= FEWEST
        else f"At {text.day(cuts[0])} {len(lines)} segments.",
        figure=draw_lines(lines[:LINES]) if len(cuts) >= FEWEST else None,
        grid=Grid(columns, sizes),
        open_table=len(cuts) < FEWEST,
        method="A segment is followed by its id, which it keeps from model to model as long as its members do, and is "
        "called what it was called last. A line that ends or begins: the segment was dissolved, or is new.",
    )


def describe_growth(lines: Sequence[Line], cuts: Sequence[date]) -> str:
    """Say which segment grew or shrank most from the first cut to the last, of those that were there at both."""
    moved = [
        (line.values[-1] - line.values[0], line)
        for line in lines
        if line.values[0] is not None and line.values[-1] is not None
    ]
    if not moved:
        return f"No segment of {text.day(cuts[0])} is there today."
    change, line = max(moved, key=lambda pair: (abs(pair[0]), pair[1].name))
    grew = "grew" if change > 0 else "shrank"
    return (
        f"Most of all {text.shorten(line.name, 60)} {grew}: from {line.shown[0]} on {text.day(cuts[0])} to "
        f"{line.shown[-1]} on {text.day(cuts[-1])}."
    )


def trace_segments(records: Records, names: dict[str, str], cuts: Sequence[date], value: str) -> list[Line]:
    """Make a line per segment over all cuts, None where it was not there; the largest of the newest cut first."""
    by_place = {(record["segment_id"], record["as_of"]): record for record in records}
    order = sorted(names, key=lambda one: (-(by_place.get((one, cuts[-1])) or {value: -1})[value], one))
    lines = []
    for one in order:
        found = [by_place.get((one, cut)) for cut in cuts]
        values = [None if record is None else record[value] for record in found]
        lines.append(Line(names[one], list(cuts), values, [text.share(v) for v in values]))
    return [line for line in lines if any(v is not None for v in line.values)]


def _engagement(reading: Reading, names: dict[str, str]) -> tuple[Exhibit, ...]:
    cuts = _cuts(reading, SEGMENT_ASSIGNMENTS)
    if not cuts:
        return ()
    days, assignments = reading.read(USER_DAYS), reading.read(SEGMENT_ASSIGNMENTS)
    measured = measure_past_engagement(days, assignments, cuts)
    rows = [{**r, "segment": names.get(r["segment_id"], r["segment_id"])} for r in measured]
    lines = trace_segments(measured, {r["segment_id"]: r["segment"] for r in rows}, cuts, "active_share")
    newest = max((r for r in rows if r["as_of"] == cuts[-1]), key=lambda r: (r["active_share"], r["segment"]))
    columns = (
        GridColumn("as_of", "Cut"),
        GridColumn("segment", "Segment"),
        GridColumn("members", "Members", "count"),
        GridColumn("active", "Active", "count"),
        GridColumn("active_share", "Share active", "share"),
    )
    exhibit = Exhibit(
        key="engagement-over-time",
        title="How engaged the segments were",
        finding=f"In the week before {text.day(cuts[-1])} {text.share(newest['active_share'])} of "
        f"{text.shorten(newest['segment'], 60)} were active, more than of any other segment.",
        figure=draw_lines(lines[:LINES]) if len(cuts) >= FEWEST else None,
        grid=Grid(columns, rows),
        open_table=len(cuts) < FEWEST,
        method=f"Members as they were at each cut; active: any event in the {RECENT_DAYS} days before it.",
    )
    return (exhibit,)


def model_history_section(reading: Reading) -> Section:
    """Build the section on the measures of models over cuts."""
    cuts = _cuts(reading, EVALUATIONS)
    if not cuts:
        return Section("model-history", "Models", "No cut has been evaluated yet.", missing=("evaluate_segments",))
    measures = list_measures(reading.read(EVALUATIONS), cuts, SCOPES)
    exhibits = tuple(
        _measures(kind, own, cuts)
        for kind in SCOPES
        if (own := [record for record in measures if record["scope"].startswith(kind)])
    )
    return Section("model-history", "Models", _lead(cuts, "evaluate_segments"), exhibits)


def _measures(kind: str, measures: Records, cuts: Sequence[date]) -> Exhibit:
    panels: dict[str, list[Line]] = {}
    for metric in dict.fromkeys(record["metric"] for record in measures):
        for scope in dict.fromkeys(record["scope"] for record in measures):
            found = {r["as_of"]: r["value"] for r in measures if (r["metric"], r["scope"]) == (metric, scope)}
            if found:
                values = [found.get(cut) for cut in cuts]
                shown = [text.number(value) for value in values]
                panels.setdefault(text.name_measure(metric), []).append(
                    Line(scope.removeprefix("propensity:"), list(cuts), values, shown)
                )
    crossed = sum(record["status"] == "breach" for record in measures)
    columns = (
        GridColumn("as_of", "Cut"),
        GridColumn("metric", "Metric", "code"),
        GridColumn("scope", "About"),
        GridColumn("value", "Value", "number"),
        GridColumn("lower", "95 % from", "number"),
        GridColumn("upper", "to", "number"),
        GridColumn("threshold", "Threshold", "number"),
        GridColumn("status", "Status", "status"),
    )
    times = f"{crossed} times" if crossed != 1 else "once"
    return Exhibit(
        key=f"{kind}-measures-over-time",
        title="How far apart the segments were" if kind == "clusters" else "How good predictions were",
        finding=f"{text.plural(len(panels), 'measure')} over {text.plural(len(cuts), 'cut')}; a threshold was crossed "
        f"{times if crossed else 'at none'}.",
        figure=draw_multiples(panels) if len(cuts) >= FEWEST else None,
        grid=Grid(columns, measures),
        open_table=len(cuts) < FEWEST,
        min_width=580,
        method="As evaluate_segments found at each cut: segments on the users scored then, predictions as measured at "
        "the training of the model that scored.",
    )


def monitoring_history_section(reading: Reading) -> Section:
    """Build the section on drift and alerts over cuts."""
    cuts = _cuts(reading, DRIFT, MONITORED_RATES, ALERTS)
    title = "Drift and alerts"
    if not cuts:
        return Section("monitoring-history", title, "Nothing has been monitored yet.", missing=("monitor_segments",))
    exhibits = (*_alerts(reading, cuts), *_drift(reading, cuts))
    return Section("monitoring-history", title, _lead(cuts, "monitor_segments"), exhibits)


def _alerts(reading: Reading, cuts: Sequence[date]) -> tuple[Exhibit, ...]:
    counted = {(r["as_of"], r["metric"]): r["alerts"] for r in count_alerts(reading.read(ALERTS), cuts)}
    metrics = sorted({metric for _, metric in counted})
    rows = [
        {
            "as_of": cut,
            "alerts": sum(counted.get((cut, m), 0) for m in metrics),
            **{m: counted.get((cut, m), 0) for m in metrics},
        }
        for cut in cuts
    ]
    loud = [row for row in rows if row["alerts"]]
    columns = (
        GridColumn("as_of", "Cut"),
        GridColumn("alerts", "Alerts", "count"),
        *(GridColumn(metric, metric.replace("_", " "), "count") for metric in metrics),
    )
    most = max(rows, key=lambda row: (row["alerts"], row["as_of"]))
    exhibit = Exhibit(
        key="alerts-over-time",
        title="How often there were alerts",
        finding=f"At {len(loud)} of {text.plural(len(cuts), 'cut')} there were alerts, most of them, "
        f"{text.count(most['alerts'])}, on {text.day(most['as_of'])}."
        if loud
        else f"No alert at {text.plural(len(cuts), 'cut')}.",
        figure=draw_counts(cuts, {m.replace("_", " "): [row[m] for row in rows] for m in metrics})
        if loud and len(cuts) >= FEWEST
        else None,
        grid=Grid(columns, rows),
        open_table=not loud or len(cuts) < FEWEST,
        method="Each cut as it was monitored, with the thresholds of then.",
    )
    return (exhibit,)


def _drift(reading: Reading, cuts: Sequence[date]) -> tuple[Exhibit, ...]:
    found = list_past_drift(reading.read(DRIFT), cuts)
    if not found:
        return ()
    days = sorted({record["as_of"] for record in found})
    cells = {(record["subject"], record["as_of"]): record["psi"] for record in found}
    greatest: dict[str, float] = {}
    for (subject, _), psi in cells.items():
        greatest[subject] = max(greatest.get(subject, 0.0), psi)
    subjects = sorted(greatest, key=lambda one: (-greatest[one], one))[: reading.params.features]
    columns = (
        GridColumn("as_of", "Cut"),
        GridColumn("name", "What"),
        GridColumn("psi", "Stability index", "number"),
        GridColumn("status", "Status", "status"),
        GridColumn("subject", "Subject", "code"),
    )
    top = subjects[0]
    named = {(name_scope(s), d): cells[s, d] for s in subjects for d in days if (s, d) in cells}
    exhibit = Exhibit(
        key="drift-over-time",
        title="How far distributions had moved",
        finding=f"Furthest ever: {text.shorten(name_scope(top), 60)}, stability index {text.number(greatest[top])}.",
        figure=draw_indices([name_scope(subject) for subject in subjects], days, named)
        if len(days) >= FEWEST
        else None,
        grid=Grid(columns, [{**record, "name": name_scope(record["subject"])} for record in found]),
        open_table=len(days) < FEWEST,
        min_width=260 + 56 * len(days),
        method="Each cut against its baseline, some weeks earlier. Below 0.1 a distribution is usually called stable, "
        "above 0.25 shifted.",
    )
    return (exhibit,)


def publications_section(reading: Reading) -> Section:
    """Build the section on what was published when; of a publication the tables that it moved."""
    current = reading.lake.publications.current().number
    title = "Publications"
    if not current:
        return Section("publications", title, "Nothing has been published yet.", missing=("ingest_events",))
    log = reading.lake.spark.read.format("delta").load(reading.lake.path(PUBLICATIONS))
    listed = list_publications(log, current, reading.params.publications + 1)
    rows = []
    for place, one in enumerate(listed[: reading.params.publications]):
        before = listed[place + 1]["tables"] if place + 1 < len(listed) else {}
        moved = sorted(name for name, version in one["tables"].items() if before.get(name) != version)
        at = text.minute(one["published_at"])
        rows.append({**one, "at": at, "moved": ", ".join(moved), "count": len(moved)})
    columns = (
        GridColumn("number", "Publication", "count"),
        GridColumn("at", "When"),
        GridColumn("count", "Tables moved", "count"),
        GridColumn("moved", "Which"),
        GridColumn("run_id", "Run", "code"),
    )
    exhibit = Exhibit(
        key="publication-log",
        title="What was published when",
        finding=f"Publication {current} was the last, {rows[0]['at']}; it moved "
        f"{text.plural(rows[0]['count'], 'table')}.",
        grid=Grid(columns, rows),
        open_table=True,
        method="Tables become visible together. A table that was never published before counts as moved.",
    )
    lead = f"The newest {len(rows)} of {text.plural(current, 'publication')}."
    return Section("publications", title, lead, (exhibit,))
