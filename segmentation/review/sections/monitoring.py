"""Monitoring: what has changed beyond chance since the cut before, in whom, and whether predictions come true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.base import LONG_ROWS
from segmentation.review.charts.monitoring import draw_drift, draw_rates
from segmentation.review.exhibits import Exhibit, Grid, GridColumn, Section
from segmentation.review.frames.monitoring import list_drift, list_rates
from segmentation.tables import ALERTS, DRIFT, MONITORED_RATES

if TYPE_CHECKING:
    from datetime import date

    from segmentation.review.frames.records import Records
    from segmentation.review.sections.reading import Reading

_KINDS = {"propensity": "Prediction", "transition": "Move", "calibration": "Prediction come true"}


def monitoring_section(reading: Reading) -> Section:
    """Build the section on alerts, drift and rates."""
    cut = reading.monitored_cut
    if cut is None:
        missing = reading.missing(ALERTS) or ("monitor_segments",)
        return Section("monitoring", "Alerts and drift", "Nothing has been monitored yet.", missing=missing)
    alerts = reading.alerts
    exhibits = (*_alerts(alerts), *_drift(reading, cut), *_rates(reading, cut))
    lead = f"{_count(alerts)} as of {text.day(cut)}. An alert is beyond its threshold and beyond chance."
    if reading.newest_cut(DRIFT) != cut:
        lead += " There is no earlier cut of features to compare with: drift shows from the second run on newer data."
    return Section("monitoring", "Alerts and drift", lead, exhibits)


def name_scope(scope: str) -> str:
    """Write what was watched in words."""
    kind, colon, name = scope.partition(":")
    if not colon:
        return "Shares of segments"
    return text.feature(name) if kind == "feature" else f"{_KINDS.get(kind, kind.capitalize())}: {text.clean(name)}"


def _count(alerts: Records) -> str:
    return text.plural(len(alerts), "alert") if alerts else "No alert"


def _alerts(alerts: Records) -> tuple[Exhibit, ...]:
    if not alerts:
        return ()
    columns = (
        GridColumn("name", "What"),
        GridColumn("status", "Status", "status"),
        GridColumn("metric", "Metric", "code"),
        GridColumn("value", "Value", "number"),
        GridColumn("threshold", "At most", "number"),
        GridColumn("message", "Found"),
        GridColumn("chance", "By chance", "code"),
        GridColumn("scope", "Scope", "code"),
    )
    rows = [
        {**a, "name": name_scope(a["scope"]), "status": "breach", "chance": f"q = {a['q_value']:.2g}"} for a in alerts
    ]
    exhibit = Exhibit(
        key="alerts",
        title="What needs a look",
        finding=f"{_count(alerts)}, first of all {text.shorten(rows[0]['name'], 60)}: "
        f"{text.shorten(rows[0]['message'], 160)}.",
        crossed=tuple(f"{text.shorten(r['name'], 60)}: {text.shorten(r['message'], 160)}." for r in rows),
        grid=Grid(columns, rows),
        open_table=True,
        method="q: the least false discovery rate at which it is a finding (Benjamini-Hochberg). Thresholds: section "
        "monitoring of the configuration.",
    )
    return (exhibit,)


def _drift(reading: Reading, cut: date) -> tuple[Exhibit, ...]:
    drift = [{**record, "name": name_scope(record["subject"])} for record in list_drift(reading.read(DRIFT), cut)]
    if not drift:
        return ()
    columns = (
        GridColumn("name", "What"),
        GridColumn("status", "Status", "status"),
        GridColumn("psi", "Stability index", "number"),
        GridColumn("psi_mix", "Other shares of segments", "number"),
        GridColumn("psi_within", "Within segments", "number"),
        GridColumn("mean_before", "Mean before", "number"),
        GridColumn("mean_now", "Mean now", "number"),
        GridColumn("mix_effect", "Of it mix", "number"),
        GridColumn("within_effect", "Of it within", "number"),
        GridColumn("js_distance", "Jensen-Shannon", "number"),
        GridColumn("ks", "Kolmogorov-Smirnov", "number"),
        GridColumn("q_value", "q", "number"),
        GridColumn("subject", "Subject", "code"),
    )
    first, beyond = drift[0], sum(record["status"] == "breach" for record in drift)
    exhibit = Exhibit(
        key="drift",
        title="Have people changed, or only their number",
        finding=f"{beyond} of {text.plural(len(drift), 'distribution')} changed beyond chance and threshold since "
        f"{text.day(first['baseline_as_of'])}.",
        figure=draw_drift(drift[: reading.params.features]),
        min_width=LONG_ROWS,
        grid=Grid(columns, drift),
        method=f"{text.count(first['users_before'])} users before and {text.count(first['users_now'])} now, in the "
        "segments of the models in use. Diamond: the index, had only the shares of segments changed; circle: change "
        "within segments beside that. The two parts of a mean's change add up (Kitagawa, 1955); the indices do not.",
    )
    return (exhibit,)


def _rates(reading: Reading, cut: date) -> tuple[Exhibit, ...]:
    rates = [
        {**record, "name": name_scope(record["scope"])} for record in list_rates(reading.read(MONITORED_RATES), cut)
    ]
    if not rates:
        return ()
    columns = (
        GridColumn("name", "What"),
        GridColumn("status", "Status", "status"),
        GridColumn("from_date", "From"),
        GridColumn("until_date", "Until (exclusive)"),
        GridColumn("successes", "Of which", "count"),
        GridColumn("trials", "Out of", "count"),
        GridColumn("rate", "Rate", "share"),
        GridColumn("reference", "Expected", "share"),
        GridColumn("q_value", "q", "number"),
        GridColumn("detectable", "Detectable", "share"),
        GridColumn("scope", "Scope", "code"),
    )
    beyond = sum(record["status"] == "breach" for record in rates)
    exhibit = Exhibit(
        key="monitored-rates",
        title="Are rates what they were, do predictions come true",
        finding=f"{beyond} of {text.plural(len(rates), 'rate')} differ beyond chance and threshold.",
        figure=draw_rates(rates[: reading.params.features]),
        min_width=LONG_ROWS,
        grid=Grid(columns, rates),
        method="Moves: the newest days against those before them, Fisher's exact test; predictions: those whose label "
        "window is over, against what came of them. Bars: 95 % interval of the difference alone. Detectable: the "
        "least difference that would be found 4 times in 5.",
    )
    return (exhibit,)
