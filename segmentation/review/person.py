"""Find everything that was known of one user at a cut, as plain values: a few look-ups by `user_id`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.types import NumericType

from segmentation.errors import ConfigurationError
from segmentation.models.inputs import select_cut
from segmentation.models.reasons import explain_scores, usual_values
from segmentation.profiles.observations import sum_observations
from segmentation.profiles.periods import find_periods
from segmentation.review.frames.customer import (
    list_history,
    list_newest_events,
    list_newest_sessions,
    list_scores,
    list_traits,
    summarise_events,
)
from segmentation.review.frames.records import Record, Records, fetch_records, find_cut
from segmentation.sessions.as_of import before_cut
from segmentation.tables import (
    COHORTS,
    EVENTS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    SESSIONS,
    TRAIT_OBSERVATIONS,
    USER_FEATURES,
)
from segmentation.tables.user_features import KEYS
from segmentation.tracking.trainings import features_of, propensity_kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.lake.lake import Lake
    from segmentation.profiles.params import ProfileParams
    from segmentation.segments.rules import Rule
    from segmentation.tables import Table
    from segmentation.tracking import Tracking

SHOWN_DISTINCTIONS = 6
"""Features that describe the segment of a user at most."""


@dataclass(frozen=True)
class PersonAtCut:
    """A user of a lake, seen at a cut."""

    lake: Lake
    tracking: Tracking
    user_id: str
    as_of: date
    """The cut, exclusive."""

    def rows(self, table: Table) -> DataFrame:
        """Return the user's rows of a table, of any time; a table that was never built has none."""
        return self.of_user(self.lake.read(table))

    def of_user(self, df: DataFrame) -> DataFrame:
        """Keep the user's rows."""
        return df.where(F.col("user_id") == F.lit(self.user_id))


def describe_person(
    person: PersonAtCut, *, rules: Iterable[Rule], profiles: ProfileParams, time_zone: str, limit: int
) -> dict[str, Any]:
    """Return events, sessions, traits, features, rules, segments over time, and scores with the reasons for them.

    Only data from before the cut are read. Parts whose tables were never built are empty.

    Args:
        person: the user and the cut.
        rules: the declared rule segments, each of which is listed whether the user is in it or not.
        profiles: the ranks of sources that tell traits.
        time_zone: the reporting zone.
        limit: number of newest events and sessions at most.

    Returns:
        A JSON-like record; `segmentation.review.customer` writes it as text. Scores and predictions are those of the
        newest scored cut, and features are those of the same cut, else of the newest.

    Raises:
        ConfigurationError: nothing was ingested yet, or the user has no event before the cut.
    """
    as_of = person.as_of
    stored = person.lake.require(EVENTS, "ingest_events")
    events = person.of_user(stored).where(before_cut(as_of, time_zone))
    about = summarise_events(events)
    if not about["events"]:
        raise ConfigurationError(f"--user: no user of this user_id has an event before {as_of}")
    sessions = person.rows(SESSIONS).where(F.col("session_date") < F.lit(as_of))
    scores = list_scores(person.rows(SEGMENT_ASSIGNMENTS), as_of)
    cut, features = _find_features(person, scores[0]["as_of"] if scores else as_of)
    profile = _find_distinctions(person.lake, scores)
    return {
        "user_id": person.user_id,
        "as_of": as_of,
        "about": about,
        "traits": _list_traits(person, profiles, time_zone),
        "scores": scores,
        "segment_reasons": [{**d, "value": features.get(d["feature"])} for d in profile],
        "predictions": _explain_predictions(person, scores),
        "rules": _list_rules(person, rules),
        "history": _list_changes(person),
        "sessions": list_newest_sessions(sessions, limit),
        "events": list_newest_events(events, limit),
        "features_as_of": cut,
        "features": features,
    }


def _list_traits(person: PersonAtCut, profiles: ProfileParams, time_zone: str) -> Records:
    """List the periods of the user's traits as known at the cut."""
    known = person.rows(TRAIT_OBSERVATIONS).where(before_cut(person.as_of, time_zone))
    return list_traits(find_periods(sum_observations(known), profiles))


def _find_features(person: PersonAtCut, as_of: date) -> tuple[date | None, Record]:
    """Read the user's features at the newest cut up to the given one."""
    table = person.lake.read(USER_FEATURES)
    cut = find_cut(table, as_of)
    keys = {column.name for column in KEYS}
    names = [f.name for f in table.schema if isinstance(f.dataType, NumericType) and f.name not in keys]
    at_cut = person.of_user(table).where(F.col("as_of") == F.lit(cut)).select(*names)
    found = fetch_records(at_cut) if cut else []
    values = found[0] if found else {}
    return cut, {name: None if value is None else float(value) for name, value in values.items()}


def _find_distinctions(lake: Lake, scores: Records) -> Records:
    """Read the features that distinguish the user's present segment, strongest first."""
    if not scores:
        return []
    at_cut = F.col("as_of") == F.lit(scores[0]["as_of"])
    of_segment = lake.read(SEGMENT_PROFILES).where(at_cut & (F.col("segment_id") == scores[0]["segment_id"]))
    found = fetch_records(of_segment.select("distinctions"))
    return found[0]["distinctions"][:SHOWN_DISTINCTIONS] if found else []


def _explain_predictions(person: PersonAtCut, scores: Records) -> Records:
    """Explain the newest scores by the model versions that made them."""
    if not scores:
        return []
    table, cut = person.lake.read(USER_FEATURES), scores[0]["as_of"]
    store, found = person.tracking.store, []
    for one in scores[0]["propensities"]:
        if one["raw"] is None:
            found.append({**one, "reasons": []})
            continue
        model = store.version(propensity_kind(one["target"]), one["model_version"])
        features = features_of(model)
        asked = _keep_asked(person.lake, select_cut(table, as_of=cut, features=features), one["target"], cut)
        reasons = explain_scores(
            person.of_user(asked),
            usual=usual_values(asked, features=features),
            pipeline=store.load(model),
            features=features,
            top=len(features),
        )
        ranked = reasons.select("feature", "value", "reference", "contribution").orderBy("rank")
        found.append({**one, "reasons": fetch_records(ranked)})
    return found


def _keep_asked(lake: Lake, users: DataFrame, target: str, cut: date) -> DataFrame:
    """Keep the users about whom a target asked at a cut."""
    scored = F.exists("propensities", lambda p: (p["target"] == target) & p["raw"].isNotNull())
    assigned = lake.read(SEGMENT_ASSIGNMENTS).where((F.col("as_of") == F.lit(cut)) & scored)
    return users.join(assigned.select("user_id"), "user_id", "left_semi")


def _list_rules(person: PersonAtCut, rules: Iterable[Rule]) -> Records:
    """List all rule segments with the user's membership at the newest cut and the values that decided it."""
    cut = find_cut(person.lake.read(COHORTS), person.as_of)
    if cut is None:
        return []
    member = fetch_records(person.rows(COHORTS).where(F.col("as_of") == F.lit(cut)).orderBy("rule"))
    found = {record["rule"]: record for record in member}
    declared = {rule.name: rule.description for rule in rules}
    return [
        {
            "rule": name,
            "as_of": cut,
            "member": name in found,
            "description": declared.get(name),
            "evidence": found[name]["evidence"] if name in found else {},
            "thresholds": found[name]["thresholds"] if name in found else {},
        }
        for name in sorted({*declared, *found})
    ]


def _list_changes(person: PersonAtCut) -> Records:
    """List entries and exits, model segments by name."""
    changes = list_history(person.rows(SEGMENT_CHANGES), person.as_of)
    profiles = person.lake.read(SEGMENT_PROFILES).select("segment_id", "segment_name").distinct()
    names = {record["segment_id"]: record["segment_name"] for record in fetch_records(profiles)}  # a row per segment
    return [{**change, "segment": names.get(change["segment_id"], change["segment_id"])} for change in changes]
