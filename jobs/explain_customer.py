"""Shows one person: events, sessions, features, rules, segments over time, scores and why. Writes nothing."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.types import NumericType

from segmentation.errors import ConfigurationError
from segmentation.models.inputs import select_cut
from segmentation.models.reasons import explain_scores, usual_values
from segmentation.review.customer import write_customer
from segmentation.review.frames.customer import (
    list_history,
    list_newest_events,
    list_newest_sessions,
    list_scores,
    summarise_events,
)
from segmentation.review.frames.records import Record, Records, fetch_records, find_cut
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.segments.rules import load_rules
from segmentation.sessions.as_of import before_cut
from segmentation.tables import (
    COHORTS,
    EVENTS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    SESSIONS,
    USER_FEATURES,
)
from segmentation.tables.user_features import KEYS
from segmentation.tracking.trainings import features_of, propensity_kind

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.tables import Table

READS = (
    EVENTS,
    SESSIONS,
    USER_FEATURES,
    COHORTS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_PROFILES,
    SEGMENT_CHANGES,
)
WRITES: tuple[Table, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare who is shown, and how much."""
    parser.add_argument(
        "--user", required=True, help="user_id as it stands in the tables; of sources with pseudonyms, that"
    )
    parser.add_argument("--events", type=int, default=20, help="newest events and sessions shown at most")


def run(ctx: Context) -> RunReport:
    """Show the person on stderr, and as `quality` of the result on stdout; never through the log.

    Raises:
        ConfigurationError: the person has no event before the cut, or --events is less than 1.
    """
    customer = find_customer(ctx, ctx.options["user"], ctx.as_of)
    print(write_customer(customer), file=sys.stderr)  # noqa: T201  for who asked, not for the log
    return RunReport(as_of=ctx.as_of, quality=customer)


def find_customer(ctx: Context, user_id: str, as_of: date) -> dict[str, Any]:
    """Find all that was known of a person before a cut; what was never built is empty."""
    limit = ctx.options.get("events", 20)
    if limit < 1:
        raise ConfigurationError(f"--events {limit}: at least one is shown")
    zone = ctx.config.workspace.time_zone
    events = _of(ctx.lake.require(EVENTS, "ingest_events"), user_id).where(before_cut(as_of, zone))
    about = summarise_events(events)
    if not about["events"]:
        raise ConfigurationError(f"--user: no user of this user_id has an event before {as_of}")
    sessions = _of(ctx.lake.read(SESSIONS), user_id).where(F.col("session_date") < F.lit(as_of))
    scores = list_scores(_of(ctx.lake.read(SEGMENT_ASSIGNMENTS), user_id), as_of)
    cut, features = _features(ctx, user_id, scores[0]["as_of"] if scores else as_of)
    profile = _profile(ctx, scores)
    return {
        "user_id": user_id,
        "as_of": as_of,
        "about": about,
        "scores": scores,
        "segment_reasons": [{**d, "value": features.get(d["feature"])} for d in profile],
        "predictions": _predictions(ctx, user_id, scores),
        "rules": _rules(ctx, user_id, as_of),
        "history": _history(ctx, user_id, as_of),
        "sessions": list_newest_sessions(sessions, limit),
        "events": list_newest_events(events, limit),
        "features_as_of": cut,
        "features": features,
    }


def _of(df: DataFrame, user_id: str) -> DataFrame:
    return df.where(F.col("user_id") == F.lit(user_id))


def _features(ctx: Context, user_id: str, as_of: date) -> tuple[date | None, Record]:
    """Read the person's features at the cut that was scored last, else at the newest up to this one."""
    table = ctx.lake.read(USER_FEATURES)
    cut = find_cut(table, as_of)
    keys = {column.name for column in KEYS}
    names = [f.name for f in table.schema if isinstance(f.dataType, NumericType) and f.name not in keys]
    found = fetch_records(_of(table, user_id).where(F.col("as_of") == F.lit(cut)).select(*names)) if cut else []
    values = found[0] if found else {}
    return cut, {name: None if value is None else float(value) for name, value in values.items()}


def _profile(ctx: Context, scores: Records) -> Records:
    """Read what sets the person's present segment apart, most first."""
    if not scores:
        return []
    at_cut = F.col("as_of") == F.lit(scores[0]["as_of"])
    of_segment = ctx.lake.read(SEGMENT_PROFILES).where(at_cut & (F.col("segment_id") == scores[0]["segment_id"]))
    found = fetch_records(of_segment.select("distinctions"))
    return found[0]["distinctions"][:6] if found else []


def _predictions(ctx: Context, user_id: str, scores: Records) -> Records:
    """Explain the newest scores by the model versions that made them."""
    if not scores:
        return []
    table, cut = ctx.lake.read(USER_FEATURES), scores[0]["as_of"]
    store, found = ctx.tracking.store, []
    for one in scores[0]["propensities"]:
        if one["raw"] is None:
            found.append({**one, "reasons": []})
            continue
        model = store.version(propensity_kind(one["target"]), one["model_version"])
        features = features_of(model)
        asked = _asked(ctx, one["target"], select_cut(table, as_of=cut, features=features), cut)
        reasons = explain_scores(
            _of(asked, user_id),
            usual=usual_values(asked, features=features),
            pipeline=store.load(model),
            features=features,
            top=len(features),
        )
        told = reasons.select("feature", "value", "reference", "contribution").orderBy("rank")
        found.append({**one, "reasons": fetch_records(told)})
    return found


def _asked(ctx: Context, target: str, users: DataFrame, cut: date) -> DataFrame:
    """Keep the users that a target was asked about at the cut."""
    scored = F.exists("propensities", lambda p: (p["target"] == target) & p["raw"].isNotNull())
    assigned = ctx.lake.read(SEGMENT_ASSIGNMENTS).where((F.col("as_of") == F.lit(cut)) & scored)
    return users.join(assigned.select("user_id"), "user_id", "left_semi")


def _rules(ctx: Context, user_id: str, as_of: date) -> Records:
    """Say of every rule segment whether the person is in it at the newest cut, and what decided."""
    table = ctx.lake.read(COHORTS)
    cut = find_cut(table, as_of)
    member = fetch_records(_of(table, user_id).where(F.col("as_of") == F.lit(cut)).orderBy("rule")) if cut else []
    found = {record["rule"]: record for record in member}
    declared = {rule.name: rule.description for rule in load_rules(ctx.conf_dir)}
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
        if cut is not None
    ]


def _history(ctx: Context, user_id: str, as_of: date) -> Records:
    """List entries and exits, model segments by name."""
    changes = list_history(_of(ctx.lake.read(SEGMENT_CHANGES), user_id), as_of)
    profiles = ctx.lake.read(SEGMENT_PROFILES).select("segment_id", "segment_name").distinct()
    names = {record["segment_id"]: record["segment_name"] for record in fetch_records(profiles)}  # a row per segment
    return [{**change, "segment": names.get(change["segment_id"], change["segment_id"])} for change in changes]


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
