"""Show what a changed rule or another model would do before it goes live. Writes nothing."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.models.clustering import CLUSTERS
from segmentation.review.comparison import write_comparison
from segmentation.runtime.asking import find_baseline, measure_behaviours
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.segments.comparison import CANDIDATE, LIVE, cross_definitions, describe_moves, measure_stability
from segmentation.segments.placement import (
    ClusterModel,
    load_rule_pair,
    measure_placed,
    place_by_models,
    place_by_rules,
)
from segmentation.tables import (
    EVENTS,
    INPUT_UNITS,
    SEGMENT_ASSIGNMENTS,
    SESSIONS,
    TRAIT_OBSERVATIONS,
    USER_DAYS,
    USER_FEATURES,
)
from segmentation.tracking.trainings import features_of, segments_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from segmentation.tables import Table

READS = (INPUT_UNITS, EVENTS, TRAIT_OBSERVATIONS, SESSIONS, USER_DAYS, USER_FEATURES, SEGMENT_ASSIGNMENTS)
WRITES: tuple[Table, ...] = ()


class Definitions(NamedTuple):
    """Two definitions, and how to put the users of a cut into both."""

    subject: str
    live: str
    candidate: str
    place: Callable[[date], DataFrame]
    is_rule: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is compared."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--rule-file", type=Path, help="a rule, compared with the rule of its name in conf/segments")
    which.add_argument("--model", help="version of the cluster model, or 'challenger', compared with the champion")


def run(ctx: Context) -> RunReport:
    """Show the effect on stderr, and as `quality` of the result on stdout.

    Raises:
        ConfigurationError: the rule is wrong, the model version does not exist, or `user_features` lacks the cut.
    """
    as_of = ctx.as_of
    table = ctx.lake.require(USER_FEATURES, "build_features")
    if table.where(F.col("as_of") == F.lit(as_of)).isEmpty():
        raise ConfigurationError(f"user_features has no cut {as_of}: run jobs/build_features.py --as-of {as_of}")
    rule_file = ctx.options.get("rule_file")
    compared = _rules(ctx, rule_file) if rule_file is not None else _models(ctx, str(ctx.options["model"]))
    placed = compared.place(as_of).persist()
    try:
        found = _compare(ctx, compared, placed)
    finally:
        placed.unpersist()
    print(write_comparison(found), file=sys.stderr)  # noqa: T201  for who asked
    return RunReport(as_of=as_of, quality=found)


def _rules(ctx: Context, path: Path) -> Definitions:
    pair, table = load_rule_pair(path, ctx.conf_dir), ctx.lake.read(USER_FEATURES)
    return Definitions(
        subject=f"rule {pair.candidate.name}",
        live="no rule of this name" if pair.live is None else f"version {pair.live.version}",
        candidate=f"version {pair.candidate.version}",
        place=lambda cut: place_by_rules(table, pair, cut=cut, behaviour=measure_behaviours(ctx, pair.behaviours, cut)),
        is_rule=True,
    )


def _models(ctx: Context, version: str) -> Definitions:
    store, table = ctx.tracking.store, ctx.lake.read(USER_FEATURES)
    champion = store.require_champion(CLUSTERS, "train_clusters")
    challenger = store.require_version(CLUSTERS, version)

    def place(cut: date) -> DataFrame:
        live, candidate = (
            ClusterModel(store.load(model), segments_of(model), features_of(model)) for model in (champion, challenger)
        )
        return place_by_models(table, live, candidate, cut=cut)

    return Definitions(
        subject="clusters",
        live=f"version {champion.version} (champion)",
        candidate=f"version {challenger.version}",
        place=place,
        is_rule=False,
    )


def _compare(ctx: Context, compared: Definitions, placed: DataFrame) -> dict[str, Any]:
    """Describe the moves at the cut, and the agreement of each definition with itself at an earlier one."""
    tables = ctx.lake.read(USER_FEATURES), ctx.lake.read(SEGMENT_ASSIGNMENTS)
    measured = measure_placed(placed, *tables, cut=ctx.as_of)
    moves = describe_moves(cross_definitions(measured.users, measures=measured.measures), is_rule=compared.is_rule)
    since, stability = find_baseline(ctx), None
    if since is not None:
        agreement = measure_stability(compared.place(since), placed, is_rule=compared.is_rule)
        stability = {"since": since, **agreement}
    return {
        "subject": compared.subject,
        "as_of": ctx.as_of,
        LIVE: compared.live,
        CANDIDATE: compared.candidate,
        **moves,
        "stability": stability,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
