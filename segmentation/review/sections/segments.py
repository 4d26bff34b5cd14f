"""Segments: how large they are, where they lie, what sets them apart, and who moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.models.clustering import EVERYONE
from segmentation.review import text
from segmentation.review.charts.segments import BARS, draw_engagement, draw_profiles, draw_sizes
from segmentation.review.exhibits import Card, Exhibit, Grid, GridColumn, Section
from segmentation.review.frames.segments import count_changes, measure_engagement
from segmentation.review.sections.migration import build_migration
from segmentation.review.sections.segment_map import build_map
from segmentation.review.theme import series
from segmentation.tables import SEGMENT_ASSIGNMENTS, SEGMENT_CHANGES, SEGMENT_PROFILES, USER_DAYS
from segmentation.tables.segment_changes import ENTERED

if TYPE_CHECKING:
    from datetime import date

    from segmentation.review.frames.records import Record, Records
    from segmentation.review.sections.reading import Reading

MODEL = "model"
_PORTRAIT_LINES = 4
_ALL_ALIKE = (
    "There is one segment only: training found no cluster structure, that is, no groups that are further apart than in "
    "data without any and that come back when users are drawn again."
)
_EFFECTS = (
    "Colours: the segment's mean less everyone's, in standard deviations of everyone. In words: below 0.2 about the "
    "same, below 0.5 a little, below 0.8 clearly, from there on far (J. Cohen, 1988). Numbers are means in the "
    "feature's own unit, unknown values left out."
)


def segments_section(reading: Reading) -> Section:
    """Build the section on the model's segments."""
    if not reading.profiles:
        missing = reading.missing(SEGMENT_PROFILES) or ("score_segments",)
        return Section("segments", "What the segments are", "There are no scored segments yet.", missing=missing)
    profiles = reading.profiles
    cut = profiles[0]["as_of"]
    users = sum(profile["users"] for profile in profiles)
    versions = sorted({profile["cluster_model_version"] for profile in profiles})
    lead = (
        f"{text.plural(users, 'user')} in {text.plural(len(profiles), 'segment')} as of {text.day(cut)}, found by "
        f"clustering (model version {text.shorten(', '.join(versions), 40)}). Each is described by what sets it apart."
    )
    if [profile["segment_name"] for profile in profiles] == [EVERYONE]:
        lead += f" {_ALL_ALIKE}"
    exhibits = (
        _sizes(profiles, users),
        *build_map(reading, cut, profiles, strongest_features(profiles, reading.params.features)),
        *_profiles(profiles, reading.params.features),
        *_engagement(reading, cut, profiles),
        *build_migration(reading, cut, profiles),
        *_movements(reading, cut, profiles),
    )
    return Section("segments", "What the segments are", lead, exhibits, cards=tuple(_portraits(profiles)))


def strongest_features(profiles: Records, limit: int) -> list[str]:
    """Return the features that set segments apart most, by their greatest effect in any of them, ties by name."""
    strongest: dict[str, float] = {}
    for profile in profiles:
        for d in _distinctive(profile):
            strongest[d["feature"]] = max(strongest.get(d["feature"], 0.0), abs(d["effect_size"]))
    return sorted(strongest, key=lambda name: (-strongest[name], name))[:limit]


def _portraits(profiles: Records) -> list[Card]:
    return [
        Card(
            title=text.shorten(profile["segment_name"], 80),
            value=text.share(profile["share"], 0),
            note=text.plural(profile["users"], "user"),
            lines=tuple(_portrait_line(d) for d in _distinctive(profile)[:_PORTRAIT_LINES]),
            tone=series(position),
        )
        for position, profile in enumerate(profiles)
    ]


def _portrait_line(d: Record) -> tuple[str, str, str]:
    means = f"{text.number(d['segment_mean'])} against {text.number(d['overall_mean'])}"
    return text.feature(d["feature"]), text.effect(d["effect_size"]), means


def _distinctive(profile: Record) -> Records:
    known = [d for d in profile["distinctions"] or [] if d["effect_size"] is not None]
    return sorted(known, key=lambda d: (-abs(d["effect_size"]), d["feature"]))


def _sizes(profiles: Records, users: int) -> Exhibit:
    columns = (
        GridColumn("segment_name", "Segment"),
        GridColumn("users", "Users", "count"),
        GridColumn("share", "Share", "share"),
        GridColumn("rule", "Rule of thumb", "code"),
        GridColumn("precision", "Of those who fulfil it, in the segment", "share"),
        GridColumn("coverage", "Of the segment, fulfil it", "share"),
        GridColumn("segment_id", "Id", "code"),
    )
    rows = [{**profile, **(profile.get("portrait") or {})} for profile in profiles]
    largest, smallest = profiles[0], profiles[-1]
    return Exhibit(
        key="segment-sizes",
        title="How large the segments are",
        finding=f"From {text.share(smallest['share'])} ({text.shorten(smallest['segment_name'], 60)}) to "
        f"{text.share(largest['share'])} of the users ({text.shorten(largest['segment_name'], 60)}).",
        figure=draw_sizes([p["segment_name"] for p in profiles], [p["users"] for p in profiles], total=users),
        grid=Grid(columns, rows),
        method="Rule of thumb: the leaf of a decision tree of depth 3, over a sample, that holds most of the segment.",
        min_width=BARS,
    )


def _profiles(profiles: Records, limit: int) -> tuple[Exhibit, ...]:
    rows = [
        {**d, "segment_id": p["segment_id"], "segment": p["segment_name"]} for p in profiles for d in _distinctive(p)
    ]
    if not rows:
        return ()
    features = strongest_features(profiles, limit)
    columns = (
        GridColumn("segment", "Segment"),
        GridColumn("words", "Feature"),
        GridColumn("in_words", "Compared with everyone"),
        GridColumn("segment_mean", "Mean", "number"),
        GridColumn("overall_mean", "Everyone's", "number"),
        GridColumn("effect_size", "Difference in s.d.", "number"),
        GridColumn("feature", "Column", "code"),
    )
    table = [{**r, "words": text.feature(r["feature"]), "in_words": text.effect(r["effect_size"])} for r in rows]
    top = max(rows, key=lambda r: (abs(r["effect_size"]), r["feature"]))
    exhibit = Exhibit(
        key="segment-profiles",
        title="What sets the segments apart",
        finding=f"The strongest difference: {text.shorten(top['segment'], 60)}, {text.feature(top['feature'])}: "
        f"{text.effect(top['effect_size'])} ({text.number(top['segment_mean'])} against "
        f"{text.number(top['overall_mean'])}).",
        figure=draw_profiles(profiles, features, {(r["feature"], r["segment_id"]): r for r in rows}),
        grid=Grid(columns, table),
        method=_EFFECTS,
        min_width=280 + 130 * len(profiles),
    )
    return (exhibit,)


def _engagement(reading: Reading, cut: date, profiles: Records) -> tuple[Exhibit, ...]:
    days, assignments = reading.read(USER_DAYS), reading.read(SEGMENT_ASSIGNMENTS)
    measured = measure_engagement(days, assignments, cut, reading.params.weeks)
    named = {profile["segment_id"]: profile for profile in profiles}
    weeks = [
        {
            **record,
            "segment": named[record["segment_id"]]["segment_name"],
            "members": named[record["segment_id"]]["users"],
            "active_share": record["active"] / named[record["segment_id"]]["users"],
            "sessions_each": record["sessions"] / named[record["segment_id"]]["users"],
        }
        for record in measured
        if record["segment_id"] in named
    ]
    if not weeks:
        return ()
    last = max(record["week"] for record in weeks)
    most = max((r for r in weeks if r["week"] == last), key=lambda r: (r["active_share"], r["segment"]))
    columns = (
        GridColumn("segment", "Segment"),
        GridColumn("week", "Week from"),
        GridColumn("members", "Members", "count"),
        GridColumn("active", "Active", "count"),
        GridColumn("active_share", "Share active", "share"),
        GridColumn("sessions", "Sessions", "count"),
        GridColumn("sessions_each", "Sessions per member", "number"),
        GridColumn("events", "Events", "count"),
        GridColumn("purchases", "Purchases", "count"),
    )
    exhibit = Exhibit(
        key="segment-engagement",
        title="How engaged the segments are, week by week",
        finding=f"In the week from {text.day(last)} most of all {text.shorten(most['segment'], 60)}: "
        f"{text.share(most['active_share'])} of its members were active.",
        figure=draw_engagement(profiles, weeks),
        grid=Grid(columns, weeks),
        method="Users in the segment they are in now, looked back at; weeks of seven days back from the cut. As recent "
        "activity is part of what segments are made of, their newest weeks differ for that reason alone.",
    )
    return (exhibit,)


def _movements(reading: Reading, cut: date, profiles: Records) -> tuple[Exhibit, ...]:
    changes = count_changes(reading.read(SEGMENT_CHANGES), cut)
    ours = [record for record in changes if record["segmentation"] == MODEL]
    if not ours:
        return ()
    names = {profile["segment_id"]: profile["segment_name"] for profile in profiles}
    rows = [{**record, "segment": names.get(record["segment_id"], record["segment_id"])} for record in ours]
    columns = (
        GridColumn("segment", "Segment"),
        GridColumn("direction", "Direction"),
        GridColumn("cause", "Cause"),
        GridColumn("users", "Users", "count"),
    )
    moved = {way: sum(r["users"] for r in rows if (r["direction"] == ENTERED) == way) for way in (True, False)}
    return (
        Exhibit(
            key="segment-changes",
            title="Who moved since the previous cut",
            finding=f"{text.count(moved[True])} entries and {text.count(moved[False])} exits; at the "
            "first cut everyone enters.",
            grid=Grid(columns, rows),
            open_table=len(rows) <= 12,  # noqa: PLR2004
            method="Cause: behaviour, or definition where the model's version differs between the cuts.",
        ),
    )
