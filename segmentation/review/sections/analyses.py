"""Funnels, lost conversions and comparisons, where build_journeys has made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.analyses import draw_funnel, draw_lost_conversions
from segmentation.review.exhibits import Exhibit, Grid, GridColumn
from segmentation.review.frames.analyses import ALL, list_differences, list_funnels, rank_lost_conversions
from segmentation.tables import DROP_OFFS, FUNNELS, JOURNEY_DIFFERENCES

if TYPE_CHECKING:
    from segmentation.review.frames.records import Records
    from segmentation.review.sections.reading import Reading


def analysis_exhibits(reading: Reading) -> tuple[Exhibit, ...]:
    """Build what there is at the newest cut of each table; nothing where the job never ran, which is no fault."""
    return (*_funnels(reading), *_lost(reading), *_differences(reading))


def _funnels(reading: Reading) -> tuple[Exhibit, ...]:
    cut = reading.newest_cut(FUNNELS)
    records = [] if cut is None else list_funnels(reading.read(FUNNELS), cut)
    names = sorted({record["funnel"] for record in records})
    return tuple(_funnel(name, [record for record in records if record["funnel"] == name]) for name in names)


def _funnel(name: str, records: Records) -> Exhibit:
    steps = [record for record in records if record["dimension"] == ALL]
    first, last = steps[0], steps[-1]
    columns = (
        GridColumn("dimension", "By"),
        GridColumn("item", "Group"),
        GridColumn("step", "Step"),
        GridColumn("state", "State"),
        GridColumn("reached", "Reached", "count"),
        GridColumn("still_open", "Still open", "count"),
        GridColumn("share_of_first", "Of the first", "share"),
        GridColumn("share_of_previous", "Of the step before", "share"),
        GridColumn("share_of_previous_lower", "95 % from", "share"),
        GridColumn("share_of_previous_upper", "to", "share"),
        GridColumn("from_first_median_s", "Median time", "seconds"),
    )
    return Exhibit(
        key=f"funnel-{text.slug(name)}",
        title=f"Funnel: {text.shorten(name.replace('_', ' '), 60)}",
        finding=f"{text.share(last['share_of_first'])} of {text.count(first['reached'])} get from "
        f"{text.shorten(_label(first['states']), 40)} to {text.shorten(_label(last['states']), 40)}, "
        f"half of them within {text.seconds(last['from_first_median_s'])}.",
        figure=draw_funnel(steps),
        grid=Grid(columns, [{**record, "state": _label(record["states"])} for record in records]),
        method="Of everybody the attempt that got furthest, within the funnel's window. Intervals: Wilson's score, "
        "95 %. Still open: had not used up their window at the cut.",
    )


def _lost(reading: Reading) -> tuple[Exhibit, ...]:
    cut = reading.newest_cut(DROP_OFFS)
    ranked = [] if cut is None else rank_lost_conversions(reading.read(DROP_OFFS), cut, reading.params.chart_states)
    if not ranked:
        return ()
    columns = (
        GridColumn("state", "State"),
        GridColumn("reached", "Sessions", "count"),
        GridColumn("left", "Ended there", "count"),
        GridColumn("converted", "Converted later", "count"),
        GridColumn("lost_conversions", "Lost conversions", "number"),
        GridColumn("lost_conversions_lower", "95 % from", "number"),
        GridColumn("lost_conversions_upper", "to", "number"),
    )
    exhibit = Exhibit(
        key="lost-conversions",
        title="Where conversions are lost",
        finding=f"Most are lost at {text.shorten(ranked[0]['state'], 40)}: about "
        f"{text.number(ranked[0]['lost_conversions'])}, if those who left had gone on as the others did.",
        figure=draw_lost_conversions(ranked),
        grid=Grid(columns, ranked),
        method="Sessions that ended at the state x the share that converted of those that went on from it, with that "
        "share's 95 % Wilson interval. A figure to rank by: who leaves may have wanted less.",
    )
    return (exhibit,)


def _differences(reading: Reading) -> tuple[Exhibit, ...]:
    cut = reading.newest_cut(JOURNEY_DIFFERENCES)
    table = reading.read(JOURNEY_DIFFERENCES)
    records = [] if cut is None else list_differences(table, cut, reading.params.paths)
    if not records:
        return ()
    columns = (
        GridColumn("path", "Transition", "path"),
        GridColumn("comparison", "Comparison"),
        GridColumn("verdict", "Verdict"),
        GridColumn("difference", "Difference", "share"),
        GridColumn("difference_lower", "95 % from", "share"),
        GridColumn("difference_upper", "to", "share"),
        GridColumn("q_value", "q", "number"),
        GridColumn("detectable", "Detectable", "share"),
        GridColumn("counts_a", "Group a"),
        GridColumn("counts_b", "Group b"),
    )
    found = [record for record in records if record["found"]]
    rows = [
        {
            **record,
            "path": [record["from_state"], record["to_state"]],
            "counts_a": f"{text.count(record['transitions_a'])} of {text.count(record['departures_a'])}",
            "counts_b": f"{text.count(record['transitions_b'])} of {text.count(record['departures_b'])}",
            "verdict": "differs" if record["found"] else "not found",
        }
        for record in records
    ]
    exhibit = Exhibit(
        key="differences",
        title="Comparisons declared beforehand",
        finding=f"{text.plural(len(found), 'difference')} found between the groups compared.",
        grid=Grid(columns, rows),
        open_table=True,
        method="Differences of rates, a less b, in points, with Newcombe's interval; Fisher's exact test, q by "
        "Benjamini-Hochberg over each comparison's family. Detectable: what would have been found 4 times in 5.",
    )
    return (exhibit,)


def _label(states: list[str]) -> str:
    return " or ".join(states)
