"""Score the users at the cut by the champion models: their segment, its profile, their propensities, what changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import hold_small
from segmentation.models.clustering import CLUSTERS
from segmentation.models.hysteresis import MODEL_CLUSTER, place_with_hysteresis
from segmentation.models.inputs import check_known, feature_set_at
from segmentation.runtime.asking import check_cuts, measure_behaviours
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.segments.assignment import MODEL, add_propensities, build_segment_assignments
from segmentation.segments.changes import build_changes_around
from segmentation.segments.portraits import portray_segments
from segmentation.segments.profiles import build_segment_profiles
from segmentation.segments.rules import behaviours_of
from segmentation.segments.targets import load_targets, mark_asked
from segmentation.tables import (
    EVENTS,
    INPUT_UNITS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    SESSIONS,
    TRAIT_OBSERVATIONS,
    USER_DAYS,
    USER_FEATURES,
)
from segmentation.tracking.scorers import features_of_all, find_champions, load_scorers, notes_on_changed_targets
from segmentation.tracking.trainings import features_of, propensity_kind, segments_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.segments.changes import ChangesAround
    from segmentation.tracking.records import ModelVersion
    from segmentation.tracking.scorers import TargetModel

READS = (
    INPUT_UNITS,
    EVENTS,
    TRAIT_OBSERVATIONS,
    SESSIONS,
    USER_DAYS,
    USER_FEATURES,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
)
WRITES = (SEGMENT_ASSIGNMENTS, SEGMENT_PROFILES, SEGMENT_CHANGES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write assignments and profiles at the cut, and the changes into it and out of it; again leaves equal rows.

    A target without a champion is left out, with a note.

    Raises:
        ConfigurationError: no champion of the clusters is registered yet, or `user_features` lacks the cut or a
            feature.
    """
    as_of, store = ctx.as_of, ctx.tracking.store
    table = ctx.lake.require(USER_FEATURES, "build_features")
    feature_set_at(table, as_of=as_of)
    clusters = store.require_champion(CLUSTERS, "train_clusters")
    targets = load_targets(ctx.conf_dir, params=ctx.config.propensity)
    champions, notes = find_champions(store, targets)
    users, scored = _score(ctx, table, clusters, champions)
    built = build_segment_assignments(
        scored,
        segments=segments_of(clusters),
        cluster_model_version=clusters.version,
        assignment_rule=ctx.config.hysteresis.rule,
        as_of=as_of,
    ).cache()
    assignments = hold_small(built)
    features = features_of(clusters)
    portraits = portray_segments(users, assignments, features=features, params=ctx.config.clusters)
    profiles = build_segment_profiles(users, assignments, features=features, portraits=portraits, as_of=as_of)
    changes = build_changes_around(ctx.lake.read(SEGMENT_ASSIGNMENTS), assignments, as_of=as_of)
    _write(ctx, assignments, profiles, changes)
    held = F.count_if(F.col("cluster_id") != F.col(MODEL_CLUSTER))
    sizes = assignments.groupBy("segment_name").agg(F.count(F.lit(1)), held).orderBy("segment_name").collect()
    built.unpersist()
    versions = {
        CLUSTERS: clusters.version,
        **{propensity_kind(target.name): model.version for target, model in champions},
    }
    quality = {"models": versions, "segments": {r[0]: r[1] for r in sizes}, "held_back": sum(r[2] for r in sizes)}
    return RunReport(as_of=as_of, quality=quality, notes=[*notes, *notes_on_changed_targets(champions)])


def _write(ctx: Context, assignments: DataFrame, profiles: DataFrame, changes: ChangesAround) -> None:
    """Replace the rows of the cut, and the changes of all cuts that they concern; publish them together."""
    days = ", ".join(f"DATE'{cut}'" for cut in changes.cuts)
    ctx.lake.replace(SEGMENT_ASSIGNMENTS, assignments, where=f"as_of = DATE'{ctx.as_of}'")
    ctx.lake.replace(SEGMENT_PROFILES, profiles, where=f"as_of = DATE'{ctx.as_of}'")
    ctx.lake.replace(SEGMENT_CHANGES, changes.rows, where=f"changed_at IN ({days}) AND segmentation = '{MODEL}'")
    base = ctx.lake.publications.current().bases.get(USER_FEATURES.name, 0)
    ctx.lake.publish({written.name: base for written in WRITES})


def _score(
    ctx: Context, table: DataFrame, clusters: ModelVersion, champions: Sequence[TargetModel]
) -> tuple[DataFrame, DataFrame]:
    """Return the users with the features that the models read, and the same scored."""
    store, as_of, hysteresis = ctx.tracking.store, ctx.as_of, ctx.config.hysteresis
    features = features_of_all([clusters, *(model for _, model in champions)])
    check_known(table, features=features)
    targets = [target for target, _ in champions]
    behaviours = behaviours_of(*(target.who for target in targets if target.who is not None))
    at_cut = hold_small(table.where(F.col("as_of") == F.lit(as_of)))
    asked = mark_asked(at_cut, targets=targets, cut=as_of, behaviour=measure_behaviours(ctx, behaviours, as_of))
    values = [F.col(name).cast("double").alias(name) for name in features]
    flags = [target.asked_column for target in targets]
    users = asked.select("user_id", *values, *flags)
    if cuts := hysteresis.cuts_before(as_of):
        check_cuts(ctx, table, cuts)
    placed = place_with_hysteresis(
        users,
        table,
        pipeline=store.load(clusters),
        segments=segments_of(clusters),
        features=features_of(clusters),
        as_of=as_of,
        params=hysteresis,
    )
    return users.drop(*flags), add_propensities(placed, scorers=load_scorers(store, champions))


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
