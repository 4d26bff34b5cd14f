"""Journeys: where people go next, the paths they take, and where they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.charts.journeys import CELL, LABELS, draw_drop_off, draw_flows, draw_transitions
from segmentation.review.exhibits import Exhibit, Grid, GridColumn, Offer, Section
from segmentation.review.frames.journeys import (
    list_flows,
    list_top_paths,
    rank_drop_off,
    rank_states,
    rate_transitions,
    sum_transitions,
)
from segmentation.review.sections.analyses import analysis_exhibits
from segmentation.sequences.paths import OTHER, build_flows, build_paths
from segmentation.tables import DROP_OFFS, EVENTS, EXIT, FUNNELS, START, TRANSITIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.review.frames.records import Record, Records
    from segmentation.review.params import ReviewParams
    from segmentation.review.sections.reading import Reading

_ON_DEMAND = Offer("build_journeys", "funnels, where conversions are lost, and comparisons between groups")
_INTERVAL = "Intervals: Wilson's score, 95 % (1927), each departure counted as independent."


def journeys_section(reading: Reading) -> Section:
    """Build the section on transitions, flows, paths and drop-off."""
    title = "Paths"
    transitions = sum_transitions(reading.before_cut(TRANSITIONS, "session_date")).persist()
    try:
        states = rank_states(transitions, reading.params.states)
        if not states:
            missing = reading.missing(TRANSITIONS) or ("build_sequences",)
            return Section("journeys", title, "There are no transitions yet.", missing=missing)
        matrix, drop_off = _transitions(transitions, states, reading.params), _drop_off(transitions, states)
    finally:
        transitions.unpersist()
    exhibits = (matrix, *_path_exhibits(reading), *analysis_exhibits(reading), drop_off)
    lead = "From the first event of a session (START) to its end (EXIT), state by state. " + exhibits[-1].finding
    offers = () if reading.newest_cut(FUNNELS) or reading.newest_cut(DROP_OFFS) else (_ON_DEMAND,)
    return Section("journeys", title, lead, exhibits, missing=reading.missing(EVENTS), offers=offers)


def _transitions(transitions: DataFrame, states: list[str], params: ReviewParams) -> Exhibit:
    charted = states[: params.chart_states]
    rates = rate_transitions(transitions, states)
    drawn = rates if len(charted) == len(states) else rate_transitions(transitions, charted)
    entries = [record for record in rates if record["from_state"] == START]
    columns = (
        GridColumn("from_state", "From"),
        GridColumn("to_state", "To"),
        GridColumn("transitions", "Count", "count"),
        GridColumn("departures", "Departures", "count"),
        GridColumn("rate", "Rate", "share"),
        GridColumn("rate_lower", "95 % from", "share"),
        GridColumn("rate_upper", "to", "share"),
    )
    return Exhibit(
        key="transitions",
        title="Where people go next",
        finding=f"{text.share(entries[0]['rate'])} of sessions start at {text.shorten(entries[0]['to_state'], 40)}. "
        "From the state on the left to the state above, in per cent of its departures: a row adds up to 100.",
        figure=draw_transitions(drawn, charted),
        grid=Grid(columns, rates),
        method=f"{_beyond(len(charted))} {_INTERVAL}",
        min_width=LABELS + CELL * (len(charted) + 2),
    )


def _beyond(shown: int) -> str:
    return f"The {shown} most visited states by name; any others are together as {OTHER}, so flows add up."


def _path_exhibits(reading: Reading) -> tuple[Exhibit, ...]:
    params = reading.params
    paths = build_paths(reading.before_cut(EVENTS, "event_date"), steps=params.path_steps).persist()
    try:
        top = list_top_paths(paths, params.paths)
        flows = list_flows(build_flows(paths, states_per_step=params.states_per_step))
    finally:
        paths.unpersist()
    return (_flows(flows, params), _paths(top, params)) if top else ()


def _flows(flows: Records, params: ReviewParams) -> Exhibit:
    started = sum(record["sessions"] for record in flows if record["step"] == 1)
    left = sum(record["sessions"] for record in flows if record["step"] == 1 and record["to_state"] is None)
    rows = [{**record, "to_state": EXIT if record["to_state"] is None else record["to_state"]} for record in flows]
    of_step = {step: sum(r["sessions"] for r in flows if r["step"] == step) for step in {r["step"] for r in flows}}
    columns = (
        GridColumn("step", "Step"),
        GridColumn("from_state", "From"),
        GridColumn("to_state", "To"),
        GridColumn("sessions", "Sessions", "count"),
        GridColumn("share", "Share of the step", "share"),
    )
    return Exhibit(
        key="flows",
        title=f"The first {params.path_steps} states of a session",
        finding=f"{text.share_of(left, started)} of sessions leave without reaching a second state.",
        figure=draw_flows([record for record in flows if record["step"] < params.path_steps]),
        grid=Grid(columns, [{**row, "share": row["sessions"] / of_step[row["step"]]} for row in rows]),
        method=f"Repeats of a state in a row are one step. Of each step the {params.states_per_step} largest states "
        "by name. 'left': the session ended there; of those in the last column the table tells how many.",
        min_width=820,
    )


def _paths(top: Records, params: ReviewParams) -> Exhibit:
    columns = (
        GridColumn("path", "Path", "path"),
        GridColumn("sessions", "Sessions", "count"),
        GridColumn("share", "Share", "bar"),
    )
    named = [record for record in top if record["path"] is not None]
    return Exhibit(
        key="paths",
        title="Most frequent paths",
        finding=f"The {text.plural(len(named), 'most frequent path')} cover "
        f"{text.share_of(sum(r['sessions'] for r in named), sum(r['sessions'] for r in top))} of all sessions.",
        grid=Grid(columns, [_path_row(record, named[0]["share"]) for record in top]),
        open_table=True,
        method=f"The first {params.path_steps} states, repeats in a row collapsed; … : the session went on.",
    )


def _path_row(record: Record, most: float) -> Record:
    if record["path"] is None:
        return {**record, "path": [f"({text.plural(record['paths'], 'other path')})"]}
    end = EXIT if record["ended"] else text.ELLIPSIS
    return {**record, "path": [*record["path"], end], "bar": record["share"] / most}


def _drop_off(transitions: DataFrame, states: list[str]) -> Exhibit:
    ranked = rank_drop_off(transitions, states)
    columns = (
        GridColumn("state", "State"),
        GridColumn("visits", "Visits", "count"),
        GridColumn("exits", "Exits", "count"),
        GridColumn("drop_off", "Drop-off", "share"),
        GridColumn("drop_off_lower", "95 % from", "share"),
        GridColumn("drop_off_upper", "to", "share"),
    )
    most = max(ranked, key=lambda record: (record["exits"], record["state"]))
    exits = sum(record["exits"] for record in ranked)
    return Exhibit(
        key="drop-off",
        title="Where sessions end",
        finding=f"Sessions end most readily at {text.shorten(ranked[0]['state'], 40)} "
        f"({text.share(ranked[0]['drop_off'])} of its visits), and most often at {text.shorten(most['state'], 40)} "
        f"({text.share_of(most['exits'], exits)} of all exits).",
        figure=draw_drop_off(ranked),
        grid=Grid(columns, ranked),
        method=f"Drop-off: exits / visits of a state. {_INTERVAL}",
    )
