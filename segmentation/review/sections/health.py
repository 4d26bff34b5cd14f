"""Health: does the ledger add up, what was rejected and why, do the data pass their checks, are the figures good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.health import draw_checks, draw_ledger, draw_reasons
from segmentation.review.exhibits import Exhibit, Grid, GridColumn, Section
from segmentation.review.frames.health import balance_ledger, list_checks, list_evaluations, rank_reasons
from segmentation.review.sections.counts import count_exhibits
from segmentation.tables import EVALUATIONS, INGEST_LEDGER, QUALITY_RESULTS
from segmentation.tables.ingest_ledger import EXCLUDED, QUARANTINED, READ, STAGES, UNPARSABLE

if TYPE_CHECKING:
    from segmentation.review.frames.records import Record, Records
    from segmentation.review.sections.reading import Reading

LEADING = {"ledger", "counts", "checks", "evaluations"}
"""Exhibits whose findings lead the section."""
_BREACH = "breach"
_PASSED, _NOT_JUDGED = "passed", "not_judged"


def health_section(reading: Reading) -> Section:
    """Build the section on the ledger, the checks on data and the evaluations."""
    exhibits = (
        *_ledger_exhibits(reading),
        *count_exhibits(reading),
        *_check_exhibits(reading),
        *_evaluation_exhibits(reading),
    )
    lead = " ".join(exhibit.finding for exhibit in exhibits if exhibit.key in LEADING)
    missing = reading.missing(INGEST_LEDGER, QUALITY_RESULTS, EVALUATIONS)
    return Section(
        "health", "Ledger, checks, figures", lead or "No records have been ingested yet.", exhibits, missing=missing
    )


def _ledger_exhibits(reading: Reading) -> list[Exhibit]:
    balances = balance_ledger(reading.ledger)
    if not balances:
        return []
    excludes = any(balance[EXCLUDED] for balance in balances)
    columns = (
        GridColumn("source", "Source"),
        *(GridColumn(stage, stage.capitalize(), "count") for stage in STAGES if stage != EXCLUDED or excludes),
        GridColumn("status", "Balance", "status"),
    )
    rows = [{**balance, "status": "balanced" if balance["balanced"] else _BREACH} for balance in balances]
    ledger = Exhibit(
        key="ledger",
        title="What became of every record",
        finding=_balance_sentence(balances),
        crossed=() if all(balance["balanced"] for balance in balances) else (_balance_sentence(balances),),
        figure=draw_ledger(balances),
        grid=Grid(columns, rows),
        method="read = parsed + unparsable; parsed = accepted + duplicate + quarantined + excluded, to the record.",
    )
    reasons = rank_reasons(reading.ledger)
    return [ledger, _reasons_exhibit(reasons)] if reasons else [ledger]


def _balance_sentence(balances: Records) -> str:
    open_sources = [text.shorten(b["source"]) for b in balances if not b["balanced"]]
    if open_sources:
        return f"The ledger does not add up for {', '.join(open_sources)}."
    return f"The ledger adds up: each of {text.plural(sum(b[READ] for b in balances), 'record')} is accounted for."


def _reasons_exhibit(reasons: Records) -> Exhibit:
    excluded = sum(reason["records"] for reason in reasons if reason["stage"] == EXCLUDED)
    rejected = sum(reason["records"] for reason in reasons) - excluded
    columns = (
        GridColumn("source", "Source"),
        GridColumn("stage", "Stage"),
        GridColumn("reason", "Reason", "code"),
        GridColumn("records", "Records", "count"),
    )
    return Exhibit(
        key="reasons",
        title="Why records were rejected or excluded" if excluded else "Why records were rejected",
        finding=" ".join(
            _most_often([reason for reason in reasons if (reason["stage"] == EXCLUDED) == is_excluded], how, total)
            for how, total, is_excluded in (("rejected", rejected, False), ("excluded", excluded, True))
            if total
        ),
        figure=draw_reasons(reasons[:20]),
        grid=Grid(columns, reasons),
        method=f"Each {QUARANTINED} or {UNPARSABLE} record counts under its first reason and is stored, with its text, "
        f"in table quarantine. {EXCLUDED.capitalize()} records are counted and not stored.",
    )


def _most_often(reasons: Records, how: str, total: int) -> str:
    most = reasons[0]
    return (
        f"{text.plural(total, 'record')} {how}, most often as {text.shorten(most['reason'], 60)} "
        f"({text.share_of(most['records'], total)})."
    )


def _check_exhibits(reading: Reading) -> list[Exhibit]:
    cut = reading.newest_cut(QUALITY_RESULTS)
    results = [] if cut is None else list_checks(reading.read(QUALITY_RESULTS), cut)
    if not results:
        return []
    checks = Grid(
        (
            GridColumn("check", "Check", "code"),
            GridColumn("source", "Source"),
            GridColumn("day", "Day"),
            GridColumn("status", "Status", "status"),
            GridColumn("evidence", "Found"),
            GridColumn("value", "Value", "number"),
            GridColumn("at_least", "At least", "number"),
            GridColumn("at_most", "At most", "number"),
        ),
        results,
    )
    return [
        Exhibit(
            key="checks",
            title="Do the data pass their checks",
            finding=_checks_sentence(results),
            crossed=tuple(_broken_check(result) for result in results if result["status"] in {"failed", "warned"}),
            figure=draw_checks(results),
            grid=checks,
            open_table=True,
            method=f"Checks of conf/quality as of {cut}; {_NOT_JUDGED} where there is too little to compare with.",
        )
    ]


def _checks_sentence(results: Records) -> str:
    judged = [r for r in results if r["status"] != _NOT_JUDGED]
    broken = [r for r in judged if r["status"] != _PASSED]
    if not judged:
        return "No check on the data could be judged yet."
    if not broken:
        return f"The data pass all {text.plural(len(judged), 'judged check')}."
    worst = broken[0]
    first = f"{text.shorten(worst['check'], 60)} ({text.shorten(worst['source'])})"
    return f"{len(broken)} of {text.plural(len(judged), 'judged check')} are broken, first of all {first}."


def _broken_check(result: Record) -> str:
    return (
        f"Check {text.shorten(result['check'], 60)} of {text.shorten(result['source'])} {result['status']}: "
        f"{text.shorten(result['evidence'], 160)}."
    )


def _evaluation_exhibits(reading: Reading) -> list[Exhibit]:
    cut = reading.newest_cut(EVALUATIONS)
    if cut is None:
        return []
    evaluations = [_with_interval(e) for e in list_evaluations(reading.read(EVALUATIONS), cut)]
    interval = (GridColumn("interval", "Interval"),) if any(e["interval"] for e in evaluations) else ()
    columns = (
        GridColumn("metric", "Metric", "code"),
        GridColumn("scope", "About"),
        GridColumn("value", "Value", "number"),
        *interval,
        GridColumn("threshold", "Threshold", "number"),
        GridColumn("status", "Status", "status"),
        GridColumn("method", "Method"),
    )
    breaches = [e for e in evaluations if e["status"] == _BREACH]
    judged = [e for e in evaluations if e["status"] != "info"]
    finding = (
        f"{len(breaches)} of {len(judged)} judged figures break their threshold."
        if breaches
        else f"All {text.plural(len(judged), 'judged figure')} keep within their threshold."
    )
    return [
        Exhibit(
            key="evaluations",
            title="Are the figures good enough",
            finding=finding,
            crossed=tuple(_breach(e) for e in breaches),
            grid=Grid(columns, evaluations),
            open_table=True,
            method=f"Evaluated as of {cut}. Figures without a threshold are for information.",
        )
    ]


def _breach(evaluation: Record) -> str:
    about = text.shorten(evaluation["scope"].replace(":", " "), 60)
    return (
        f"{text.name_measure(evaluation['metric'])} of {about} is "
        f"{text.number(evaluation['value'])}; its threshold is {text.number(evaluation['threshold'])}."
    )


def _with_interval(evaluation: Record) -> Record:
    lower, upper = evaluation["lower"], evaluation["upper"]
    known = lower is not None and upper is not None
    return {**evaluation, "interval": f"{text.number(lower)} to {text.number(upper)}" if known else ""}
