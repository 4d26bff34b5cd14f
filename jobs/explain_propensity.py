"""Says for every scored user which features move their propensities: table propensity_reasons."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.frames import conform, union_all
from segmentation.models.inputs import select_cut
from segmentation.models.reasons import explain_scores, usual_values
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables import PROPENSITY_REASONS, SEGMENT_ASSIGNMENTS, USER_FEATURES
from segmentation.tracking.trainings import features_of, propensity_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

READS = (USER_FEATURES, SEGMENT_ASSIGNMENTS)
WRITES = (PROPENSITY_REASONS,)
TOP = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how many reasons a user gets."""
    parser.add_argument("--top", type=_positive, default=TOP, help="reasons per user and target at most")


def run(ctx: Context) -> RunReport:
    """Explain the scores at the cut by the versions that made them; again leaves equal rows.

    Raises:
        ConfigurationError: nothing was scored at the cut yet, or without any propensity.
    """
    as_of = ctx.as_of
    assignments = ctx.lake.require(SEGMENT_ASSIGNMENTS, "score_segments").where(F.col("as_of") == F.lit(as_of))
    scored = assignments.select("propensities").head()
    if scored is None:
        raise ConfigurationError(
            f"nothing was scored at {as_of}: run jobs/score_segments.py with the same --as-of first"
        )
    versions = {entry["target"]: entry["model_version"] for entry in scored["propensities"]}
    if not versions:
        raise ConfigurationError(f"no user has a propensity at {as_of}: run jobs/train_propensity.py, which says why")
    reasons = union_all(_explain(ctx, assignments, target, version) for target, version in versions.items())
    ctx.lake.replace(PROPENSITY_REASONS, reasons, where=f"as_of = DATE'{as_of}'")
    ctx.lake.publish({PROPENSITY_REASONS.name: ctx.lake.publications.current().bases.get(SEGMENT_ASSIGNMENTS.name, 0)})
    return RunReport(as_of=as_of, quality={"models": versions})


def _explain(ctx: Context, assignments: DataFrame, target: str, version: str) -> DataFrame:
    """Explain one target to those that it was asked about."""
    store = ctx.tracking.store
    model = store.version(propensity_kind(target), version)
    asked = assignments.where(F.exists("propensities", lambda p: (p["target"] == target) & p["raw"].isNotNull()))
    users = select_cut(ctx.lake.read(USER_FEATURES), as_of=ctx.as_of, features=features_of(model))
    known = users.join(asked.select("user_id"), "user_id", "left_semi")
    features = features_of(model)
    reasons = explain_scores(
        known,
        usual=usual_values(known, features=features),
        pipeline=store.load(model),
        features=features,
        top=ctx.options.get("top") or TOP,
    )
    named = reasons.select(
        "user_id",
        F.lit(ctx.as_of).alias("as_of"),
        F.lit(target).alias("target"),
        F.col("rank").cast("bigint").alias("rank"),
        "feature",
        "value",
        "reference",
        "contribution",
        F.lit(version).alias("model_version"),
    )
    return conform(named, PROPENSITY_REASONS)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
