"""Score the users at the cut by the champion models: their segment, its profile, their propensities, what changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.evaluation.distributions import sample_users
from segmentation.frames import hold_small
from segmentation.models.clustering import CLUSTERS, assign_clusters
from segmentation.models.hysteresis import MODEL_CLUSTER, hold_clusters
from segmentation.models.inputs import check_known, feature_set_at, select_cuts
from segmentation.runtime.asking import check_cuts, measure_behaviours
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.segments.assignment import (
    MODEL,
    Scorer,
    add_propensities,
    build_segment_assignments,
    select_memberships,
)
from segmentation.segments.changes import build_segment_changes
from segmentation.segments.portraits import draw_portraits
from segmentation.segments.profiles import build_segment_profiles
from segmentation.segments.rules import behaviours_of
from segmentation.segments.targets import Target, load_targets, mark_asked
from segmentation.tables import (
    EVENTS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    SESSIONS,
    USER_DAYS,
    USER_FEATURES,
)
from segmentation.tracking.trainings import (
    CALIBRATION_METHOD,
    TARGET_VERSION,
    features_of,
    propensity_kind,
    segments_of,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.segments.portraits import Portrait
    from segmentation.tracking.records import ModelVersion

READS = (EVENTS, SESSIONS, USER_DAYS, USER_FEATURES, SEGMENT_ASSIGNMENTS, SEGMENT_CHANGES)
WRITES = (SEGMENT_ASSIGNMENTS, SEGMENT_PROFILES, SEGMENT_CHANGES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write assignments and profiles at the cut, and the changes into it and out of it; again leaves equal rows.

    A target without a champion is scored for nobody, with a note.

    Raises:
        ConfigurationError: no champion of the clusters is registered yet, or `user_features` lacks the cut or a
            feature.
    """
    as_of, store = ctx.as_of, ctx.tracking.store
    table = ctx.lake.require(USER_FEATURES, "build_features")
    feature_set_at(table, as_of=as_of)
    clusters = store.require_champion(CLUSTERS, "train_clusters")
    notes: list[str] = []
    scorers = _load_scorers(ctx, notes)
    users, scored = _score(ctx, table, clusters, scorers)
    built = build_segment_assignments(
        scored,
        segments=segments_of(clusters),
        cluster_model_version=clusters.version,
        assignment_rule=ctx.config.hysteresis.rule,
        as_of=as_of,
    ).cache()
    assignments = hold_small(built)
    features = features_of(clusters)
    portraits = _portray(ctx, users, assignments, features)
    profiles = build_segment_profiles(users, assignments, features=features, portraits=portraits, as_of=as_of)
    changes, cuts = _changes_around(ctx, assignments, as_of)
    days = ", ".join(f"DATE'{cut}'" for cut in cuts)
    ctx.lake.replace(SEGMENT_ASSIGNMENTS, assignments, where=f"as_of = DATE'{as_of}'")
    ctx.lake.replace(SEGMENT_PROFILES, profiles, where=f"as_of = DATE'{as_of}'")
    ctx.lake.replace(SEGMENT_CHANGES, changes, where=f"changed_at IN ({days}) AND segmentation = '{MODEL}'")
    base = ctx.lake.publications.current().bases.get(USER_FEATURES.name, 0)
    ctx.lake.publish({written.name: base for written in WRITES})
    held = F.count_if(F.col("cluster_id") != F.col(MODEL_CLUSTER))
    sizes = assignments.groupBy("segment_name").agg(F.count(F.lit(1)), held).orderBy("segment_name").collect()
    built.unpersist()
    versions = {
        CLUSTERS: clusters.version,
        **{propensity_kind(target.name): model.version for target, model in scorers},
    }
    quality = {"models": versions, "segments": {r[0]: r[1] for r in sizes}, "held_back": sum(r[2] for r in sizes)}
    return RunReport(as_of=as_of, quality=quality, notes=notes + _changed_since(scorers))


def _load_scorers(ctx: Context, notes: list[str]) -> list[tuple[Target, ModelVersion]]:
    """Find the champion of each target, once: all users are scored by the versions that are champions now."""
    config, found = ctx.config, []
    for target in load_targets(ctx.conf_dir, params=config.propensity, workspace=config.workspace):
        model = ctx.tracking.store.champion(propensity_kind(target.name))
        if model is None:
            notes.append(f"{target.name}: no model, so nobody has this propensity (jobs/train_propensity.py says why)")
            continue
        if CALIBRATION_METHOD not in model.tags:
            raise ConfigurationError(
                f"version {model.version} of '{model.name}' was trained by an earlier release: run "
                f"python jobs/train_propensity.py with the same --lake first"
            )
        found.append((target, model))
    return found


def _changed_since(scorers: Sequence[tuple[Target, ModelVersion]]) -> list[str]:
    return [
        f"{target.name}: conf/targets/{target.name}.yaml has changed since the champion, version {model.version}, was "
        f"trained: its scores answer the earlier question"
        for target, model in scorers
        if model.tags.get(TARGET_VERSION) != target.version
    ]


def _score(
    ctx: Context, table: DataFrame, clusters: ModelVersion, scorers: Sequence[tuple[Target, ModelVersion]]
) -> tuple[DataFrame, DataFrame]:
    """Return the users with the features that the models read, and the same scored."""
    store = ctx.tracking.store
    needed = [*features_of(clusters), *(name for _, model in scorers for name in features_of(model))]
    features = tuple(dict.fromkeys(needed))
    check_known(table, features=features)
    targets = [target for target, _ in scorers]
    behaviours = behaviours_of(*(target.who for target in targets if target.who is not None))
    at_cut = hold_small(table.where(F.col("as_of") == F.lit(ctx.as_of)))
    asked = mark_asked(at_cut, targets=targets, cut=ctx.as_of, behaviour=measure_behaviours(ctx, behaviours, ctx.as_of))
    values = [F.col(name).cast("double").alias(name) for name in features]
    flags = [target.asked_column for target in targets]
    users = asked.select("user_id", *values, *flags)
    placed = _place(ctx, table, users, clusters)
    loaded = [Scorer(target, model.version, store.load(model)) for target, model in scorers]
    return users.drop(*flags), add_propensities(placed, scorers=loaded)


def _place(ctx: Context, table: DataFrame, users: DataFrame, clusters: ModelVersion) -> DataFrame:
    """Put the users into clusters, by their features at earlier cuts too where that is asked for."""
    params, segments, pipeline = ctx.config.hysteresis, segments_of(clusters), ctx.tracking.store.load(clusters)
    placed = assign_clusters(users, pipeline=pipeline, segments=segments)
    cuts = params.cuts_before(ctx.as_of)
    if not cuts:
        return hold_clusters(placed, None, as_of=ctx.as_of, segments=segments, params=params)
    check_cuts(ctx, table, cuts)
    earlier = select_cuts(table, cuts=cuts, features=features_of(clusters))
    before = assign_clusters(earlier, pipeline=pipeline, segments=segments)
    return hold_clusters(placed, before, as_of=ctx.as_of, segments=segments, params=params)


def _portray(ctx: Context, users: DataFrame, assignments: DataFrame, features: Sequence[str]) -> dict[str, Portrait]:
    """Find rules of thumb for the segments on a sample of the scored users."""
    params = ctx.config.clusters
    members = users.join(assignments.select("user_id", "segment_id"), "user_id")
    sample = sample_users(members, params.evidence_users).select("segment_id", *features).toPandas()  # bounded
    return draw_portraits(sample, features=features, seed=params.seed)


def _changes_around(ctx: Context, assignments: DataFrame, as_of: date) -> tuple[DataFrame, tuple[date, ...]]:
    """Compute the changes at this cut and, where there is a later one, at the next; return both cuts."""
    stored = ctx.lake.read(SEGMENT_ASSIGNMENTS)
    cut = F.col("as_of")
    row = stored.agg(F.max(F.when(cut < F.lit(as_of), cut)), F.min(F.when(cut > F.lit(as_of), cut))).head()
    before, after = (row[0], row[1]) if row else (None, None)
    members = select_memberships(assignments)
    previous = select_memberships(stored.where(cut == F.lit(before)))
    changes = build_segment_changes(previous, members, changed_at=as_of)
    if after is None:
        return changes, (as_of,)
    following = select_memberships(stored.where(cut == F.lit(after)))
    return changes.unionByName(build_segment_changes(members, following, changed_at=after)), (as_of, after)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
