"""Shows what a changed rule or another model would do before it goes live. Writes nothing."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.models.clustering import CLUSTERS, assign_clusters
from segmentation.models.inputs import select_cut
from segmentation.review.comparison import write_comparison
from segmentation.runtime.asking import find_baseline, measure_behaviours
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.segments.comparison import (
    CANDIDATE,
    IN,
    LIVE,
    OUT,
    Cross,
    adjusted_rand,
    count_movers,
    cross_cuts,
    cross_definitions,
    jaccard,
    match_segments,
)
from segmentation.segments.rules import Rule, build_cohorts, load_rule, load_rules
from segmentation.tables import EVENTS, SEGMENT_ASSIGNMENTS, SESSIONS, USER_DAYS, USER_FEATURES
from segmentation.tracking.trainings import features_of, segments_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from segmentation.tables import Table
    from segmentation.tracking.records import ModelVersion

READS = (EVENTS, SESSIONS, USER_DAYS, USER_FEATURES, SEGMENT_ASSIGNMENTS)
WRITES: tuple[Table, ...] = ()
MEASURES = (
    "value_sum_life", "value_sum_30d", "purchases_count_30d", "sessions_count_30d", "days_since_last_event",
)  # fmt: skip
"""Features whose means tell what a segment is worth, those that `user_features` has."""
AS_NEW = "_candidate"
"""What the candidate is called beside the live rule of its name."""


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
        measured, measures = _measure(ctx, placed, as_of)
        found = _describe(ctx, compared, cross_definitions(measured, measures=measures), placed)
    finally:
        placed.unpersist()
    print(write_comparison(found), file=sys.stderr)  # noqa: T201  for who asked
    return RunReport(as_of=as_of, quality=found)


def _rules(ctx: Context, path: Path) -> Definitions:
    conf = ctx.conf_dir
    candidate = load_rule(path, conf)
    live = {rule.name: rule for rule in load_rules(conf)}.get(candidate.name)
    renamed = candidate.model_copy(update={"name": candidate.name + AS_NEW})
    rules = [renamed] if live is None else [live, renamed]
    return Definitions(
        subject=f"rule {candidate.name}",
        live="no rule of this name" if live is None else f"version {live.version}",
        candidate=f"version {candidate.version}",
        place=lambda cut: _place_by_rules(ctx, rules, candidate.name, cut),
        is_rule=True,
    )


def _place_by_rules(ctx: Context, rules: Sequence[Rule], name: str, cut: date) -> DataFrame:
    table = ctx.lake.read(USER_FEATURES)
    behaviour = measure_behaviours(ctx, [one for rule in rules for one in rule.behaviours], cut)
    members = build_cohorts(table, rules=rules, as_of=cut, behaviour=behaviour)
    of_user = members.groupBy("user_id").agg(
        F.bool_or(F.col("rule") == name).alias(LIVE), F.bool_or(F.col("rule") == name + AS_NEW).alias(CANDIDATE)
    )
    users = table.where(F.col("as_of") == F.lit(cut)).select("user_id")
    return users.join(of_user, "user_id", "left").select("user_id", *(_in_or_out(side) for side in (LIVE, CANDIDATE)))


def _in_or_out(side: str) -> Column:
    return F.when(F.coalesce(F.col(side), F.lit(False)), IN).otherwise(OUT).alias(side)


def _models(ctx: Context, version: str) -> Definitions:
    store = ctx.tracking.store
    champion = store.require_champion(CLUSTERS, "train_clusters")
    challenger = store.require_version(CLUSTERS, version)
    return Definitions(
        subject="clusters",
        live=f"version {champion.version} (champion)",
        candidate=f"version {challenger.version}",
        place=lambda cut: _place_by_models(ctx, champion, challenger, cut),
        is_rule=False,
    )


def _place_by_models(ctx: Context, champion: ModelVersion, challenger: ModelVersion, cut: date) -> DataFrame:
    sides = []
    for name, model in ((LIVE, champion), (CANDIDATE, challenger)):
        users = select_cut(ctx.lake.read(USER_FEATURES), as_of=cut, features=features_of(model))
        placed = assign_clusters(users, pipeline=ctx.tracking.store.load(model), segments=segments_of(model))
        sides.append(placed.select("user_id", _named(model).alias(name)))
    return sides[0].join(sides[1], "user_id")


def _named(model: ModelVersion) -> Column:
    """Name a cluster; where two segments of a model share a name, by its number too."""
    segments = segments_of(model)
    names = [segment.segment_name for segment in segments]
    shown = [n if names.count(n) == 1 else f"{n} ({s.cluster_id})" for n, s in zip(names, segments, strict=True)]
    pairs = [part for s, name in zip(segments, shown, strict=True) for part in (F.lit(s.cluster_id), F.lit(name))]
    return F.element_at(F.create_map(*pairs), F.col("cluster_id"))


def _measure(ctx: Context, placed: DataFrame, cut: date) -> tuple[DataFrame, list[str]]:
    """Add what users are worth, and their predictions where the cut was scored."""
    table = ctx.lake.read(USER_FEATURES)
    features = [name for name in MEASURES if name in table.columns]
    measured = placed.join(select_cut(table, as_of=cut, features=features), "user_id", "left")
    scored = ctx.lake.read(SEGMENT_ASSIGNMENTS).where(F.col("as_of") == F.lit(cut))
    first = scored.select("propensities.target").head()
    targets = [f"propensity_{target}" for target in (first["target"] if first else ())]
    by_target = F.map_from_entries(F.transform("propensities", lambda p: F.struct(p["target"], p["calibrated"])))
    predictions = scored.select("user_id", by_target.alias("_by_target"))
    joined = measured.join(predictions, "user_id", "left")
    columns = [F.col("_by_target")[target.removeprefix("propensity_")].alias(target) for target in targets]
    return joined.select(*placed.columns, *features, *columns), [*features, *targets]


def _describe(ctx: Context, compared: Definitions, cross: Cross, placed: DataFrame) -> dict[str, Any]:
    kept = {IN: IN, OUT: OUT} if compared.is_rule else match_segments(cross.moves)
    moves = [
        {LIVE: live, CANDIDATE: candidate, "users": users, "stays": kept.get(live) == candidate}
        for (live, candidate), users in sorted(cross.moves.items(), key=lambda item: (-item[1], item[0]))
    ]
    return {
        "subject": compared.subject,
        "as_of": ctx.as_of,
        LIVE: compared.live,
        CANDIDATE: compared.candidate,
        "users": sum(cross.moves.values()),
        "movers": count_movers(cross.moves, kept),
        "moves": moves,
        "groups": [group._asdict() for group in cross.groups],
        "stability": _stability(ctx, compared, placed),
    }


def _stability(ctx: Context, compared: Definitions, placed: DataFrame) -> dict[str, Any] | None:
    """Compare each definition with itself at the newest cut that is old enough, over the users of both cuts."""
    since = find_baseline(ctx)
    if since is None:
        return None
    tables = cross_cuts(compared.place(since), placed)
    if compared.is_rule:
        values, measure = {side: jaccard(table, IN) for side, table in tables.items()}, "members in common (Jaccard)"
    else:
        values, measure = {side: adjusted_rand(table) for side, table in tables.items()}, "adjusted Rand index"
    return {"since": since, "measure": measure, **values}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
