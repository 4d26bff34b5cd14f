"""Judge the scored segments, the models behind them and the ingest ledger against their thresholds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, DataError
from segmentation.evaluation.figures import BREACH, Figure, evaluation_rows
from segmentation.evaluation.judgement import judge_propensity, judge_separation, judge_sizes, judge_structure
from segmentation.evaluation.ledger import reconcile_ledger
from segmentation.frames import small_frame
from segmentation.models.clustering import CLUSTERS, assign_clusters
from segmentation.models.inputs import select_cut
from segmentation.models.preparation import SCALED
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables import EVALUATIONS, EVENTS, INGEST_LEDGER, SEGMENT_ASSIGNMENTS, USER_FEATURES
from segmentation.tracking.cluster_trainings import has_structure, rule_behind
from segmentation.tracking.trainings import EVALUATION_CUT, features_of, propensity_kind, segments_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

READS = (EVENTS, INGEST_LEDGER, USER_FEATURES, SEGMENT_ASSIGNMENTS)
WRITES = (EVALUATIONS,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write `evaluations` at the cut; again leaves equal rows.

    Raises:
        ConfigurationError: nothing was scored at the cut yet.
        DataError: a figure named in `evaluation.fail_on` breached its threshold; nothing is published.
    """
    as_of, params = ctx.as_of, ctx.config.evaluation
    assignments = ctx.lake.require(SEGMENT_ASSIGNMENTS, "score_segments").where(F.col("as_of") == F.lit(as_of))
    ledger, events = ctx.lake.require(INGEST_LEDGER, "ingest_events"), ctx.lake.read(EVENTS)
    figures = [
        *reconcile_ledger(ledger, events, params=params),
        *judge_sizes(assignments, params=params),
        *_judge_models(ctx, assignments),
    ]
    breaches = [f for f in figures if f.status == BREACH]
    fatal = [f"{f.metric} of {f.scope} is {f.value}" for f in breaches if f.metric in params.fail_on]
    if fatal:
        raise DataError(f"beyond the threshold: {'; '.join(fatal)}; see `evaluation.fail_on`")
    rows = small_frame(ctx.spark, evaluation_rows(figures, as_of=as_of), EVALUATIONS.schema)
    ctx.lake.replace(EVALUATIONS, rows.coalesce(1), where=f"as_of = DATE'{as_of}'")
    ctx.lake.publish({EVALUATIONS.name: ctx.lake.publications.current().bases.get(SEGMENT_ASSIGNMENTS.name, 0)})
    named = {f"{f.metric} {f.scope}": f.value for f in breaches}
    return RunReport(as_of=as_of, quality={"figures": len(figures), "breaches": named})


def _judge_models(ctx: Context, assignments: DataFrame) -> list[Figure]:
    """Judge the model versions that scored: the published segments in the model's space, propensities as measured."""
    params, store = ctx.config.evaluation, ctx.tracking.store
    scored = assignments.select("cluster_model_version", "propensities").first()
    if scored is None:
        raise ConfigurationError(
            f"nothing was scored at {ctx.as_of}: run jobs/score_segments.py with the same --as-of first"
        )
    model = store.version(CLUSTERS, scored["cluster_model_version"])
    users = select_cut(ctx.lake.read(USER_FEATURES), as_of=ctx.as_of, features=features_of(model))
    segments = segments_of(model)
    placed = assign_clusters(users, pipeline=store.load(model), segments=segments)
    published = assignments.select("user_id", "cluster_id")  # whom hysteresis holds back is not where the model says
    placed = placed.select("user_id", SCALED).join(published, "user_id").cache()
    figures = judge_separation(placed, vector=SCALED, cluster="cluster_id", params=params)
    placed.unpersist()
    jaccards = {segment.segment_id: segment.jaccard for segment in segments}
    figures += judge_structure(found=has_structure(model), rule=rule_behind(model), jaccards=jaccards, params=params)
    for entry in scored["propensities"]:
        known = store.version(propensity_kind(entry["target"]), entry["model_version"])
        figures += judge_propensity(
            known.metrics, target=entry["target"], evaluation_cut=known.tags[EVALUATION_CUT], params=params
        )
    return figures


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
