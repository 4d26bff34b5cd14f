"""Finds who is in which rule segment (conf/segments) at the cut, and who entered or left it since."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.frames import hold_small
from segmentation.runtime.asking import measure_behaviours
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.segments.changes import build_segment_changes
from segmentation.segments.rules import (
    SEGMENTATION,
    Rule,
    build_cohorts,
    count_members,
    load_rules,
    note_idle_percentiles,
    view_memberships,
)
from segmentation.tables import (
    COHORTS,
    EVENTS,
    INPUT_UNITS,
    SEGMENT_CHANGES,
    SESSIONS,
    TRAIT_OBSERVATIONS,
    USER_DAYS,
    USER_FEATURES,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import date

READS = (INPUT_UNITS, EVENTS, TRAIT_OBSERVATIONS, SESSIONS, USER_DAYS, USER_FEATURES, COHORTS, SEGMENT_CHANGES)
WRITES = (COHORTS, SEGMENT_CHANGES)
OURS = f"segmentation LIKE '{SEGMENTATION}%'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write `cohorts` at the cut, and the changes into it and out of it: its own and its successor's.

    Raises:
        ConfigurationError: a rule is wrong, or `user_features` has no such cut yet.
    """
    as_of = ctx.as_of
    rules = load_rules(ctx.conf_dir)
    features = ctx.lake.require(USER_FEATURES, "build_features")
    if features.where(F.col("as_of") == F.lit(as_of)).isEmpty():
        raise ConfigurationError(f"user_features has no cut {as_of}: run jobs/build_features.py --as-of {as_of}")
    behaviour = measure_behaviours(ctx, [one for rule in rules for one in rule.behaviours], as_of)
    built = build_cohorts(features, rules=rules, as_of=as_of, behaviour=behaviour).cache()
    cohorts = hold_small(built)  # written, compared and counted
    compared, cuts = _changes_around(ctx, cohorts, rules, as_of)
    changes = hold_small(compared.cache())  # written and counted
    ctx.lake.replace(COHORTS, cohorts, where=f"as_of = DATE'{as_of}'")
    days = ", ".join(f"DATE'{cut}'" for cut in cuts)
    ctx.lake.replace(SEGMENT_CHANGES, changes, where=f"changed_at IN ({days}) AND {OURS}")
    base = ctx.lake.publications.current().bases.get(USER_FEATURES.name, 0)
    ctx.lake.publish({COHORTS.name: base, SEGMENT_CHANGES.name: base})
    quality = _summary(cohorts, changes.where(F.col("changed_at") == F.lit(as_of)), rules)
    notes = note_idle_percentiles(features, rules=rules, as_of=as_of, behaviour=behaviour)
    for frame in (built, compared):
        frame.unpersist()
    return RunReport(as_of=as_of, quality=quality, notes=notes)


def _changes_around(
    ctx: Context, cohorts: DataFrame, rules: Sequence[Rule], as_of: date
) -> tuple[DataFrame, tuple[date, ...]]:
    """Compute the changes at this cut and, where there is a later one, at the next; return both cuts."""
    stored = ctx.lake.read(COHORTS)
    before, after = _neighbours(ctx, as_of)
    members = view_memberships(cohorts)
    previous = view_memberships(stored.where(F.col("as_of") == F.lit(before)))
    versions = {SEGMENTATION + rule.name: rule.version for rule in rules}
    changes = build_segment_changes(previous, members, changed_at=as_of, versions=versions)
    if after is None:
        return changes, (as_of,)
    following = view_memberships(stored.where(F.col("as_of") == F.lit(after)))
    return changes.unionByName(build_segment_changes(members, following, changed_at=after)), (as_of, after)


def _neighbours(ctx: Context, as_of: date) -> tuple[date | None, date | None]:
    """Find the cuts next to this one; a cut at which all segments were empty shows in the changes alone."""
    with_members = ctx.lake.read(COHORTS).select("as_of")
    with_changes = ctx.lake.read(SEGMENT_CHANGES).where(OURS).select("changed_at")
    cut = F.col("as_of")
    row = (
        with_members.union(with_changes)
        .agg(F.max(F.when(cut < F.lit(as_of), cut)), F.min(F.when(cut > F.lit(as_of), cut)))
        .head()
    )
    return (row[0], row[1]) if row else (None, None)


def _summary(cohorts: DataFrame, changes: DataFrame, rules: Sequence[Rule]) -> dict[str, dict[str, int]]:
    """Count the members at a cut per rule, and the changes into it per direction."""
    directions = {row["direction"]: row["count"] for row in changes.groupBy("direction").count().collect()}
    return {
        "members": count_members(cohorts, rules),
        "changes": dict(sorted(directions.items())),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
