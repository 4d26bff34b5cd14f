"""Compute the features of every user at the cut, and at the earlier cuts on which models are trained."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from segmentation.features import catalogue, user_features_contract
from segmentation.features.build import build_user_features, item_counts_at
from segmentation.features.pace import find_bots, is_bot, select_people
from segmentation.privacy.consent import build_consents, select_consented
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.feature_inputs import (
    feature_parameters,
    find_feature_cuts,
    fingerprint_declarations,
    read_feature_inputs,
)
from segmentation.runtime.main import run_job
from segmentation.runtime.stored import require_events
from segmentation.sessions.as_of import before_cut
from segmentation.tables import CONSENTS, EVENTS, INPUT_UNITS, SESSIONS, TRAIT_OBSERVATIONS, USER_DAYS, USER_FEATURES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.tables import Table

READS = (INPUT_UNITS, EVENTS, SESSIONS, USER_DAYS, TRAIT_OBSERVATIONS)
WRITES = (USER_FEATURES, CONSENTS)
REBUILD = "jobs/build_features.py --rebuild"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the job's own options."""
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="replace all cuts by those of this run, under the present parameters",
    )


def run(ctx: Context) -> RunReport:
    """Write `user_features` at the cut, at the earlier cuts of propensity and of hysteresis; again leaves equal rows.

    Users who do not allow what is needed (`consent.needed`) have none, at any of the cuts, and are counted. Users at no
    person's pace (`bots`) are counted, and have none at the cuts from then on where the policy is to exclude them.

    Raises:
        DataError: nothing had happened and been received before the cut.
        ConfigurationError: `user_features` was built under other parameters, and --rebuild is not given; or
            `features` names a funnel or trait that does not exist; or traits were not read from the newest events.
    """
    as_of, config, table = ctx.as_of, ctx.config, user_features_contract(ctx.config.features)
    if not ctx.options.get("rebuild"):
        rebuild = f"python {REBUILD} --lake {ctx.lake.root}{ctx.given_settings}"
        ctx.lake.check_parameters(table, feature_parameters(ctx), rebuild)
    events = require_events(ctx)
    cuts = find_feature_cuts(ctx, events)
    inputs = read_feature_inputs(ctx, events, cuts)
    built = build_user_features(inputs, params=config.features, basis=fingerprint_declarations(ctx))
    consents = _write_consents(ctx, events)
    _write(ctx, table, select_people(select_consented(built, consents, config.consent), config.bots), cuts)
    counted = _count_by_cut(ctx, table, cuts)
    users = {str(cut): figures["users"] for cut, figures in counted.items()}
    quality: dict[str, Any] = {"users": users, "features": len(catalogue(config.features))}
    left_out = 0
    if config.bots.policy == "exclude":
        bots = find_bots(item_counts_at(inputs, as_of), as_of=as_of, params=config.bots)
        quality["bots_left_out"] = left_out = select_consented(bots, consents, config.consent).count()
    else:
        quality["bots"] = counted[as_of]["bots"] if as_of in counted else 0
    if config.consent.needed:
        quality["without_consent"] = _count_users(ctx, events) - users.get(str(as_of), 0) - left_out
    return RunReport(as_of=as_of, quality=quality)


def _write_consents(ctx: Context, events: DataFrame) -> DataFrame:
    """Write the current consents of all users if events carry them, or did before; return them."""
    if ctx.config.consent.events or ctx.lake.version(CONSENTS) is not None:
        ctx.lake.replace(CONSENTS, build_consents(events, ctx.config.consent))
    return ctx.lake.read(CONSENTS)


def _write(ctx: Context, table: Table, features: DataFrame, cuts: Collection[date]) -> None:
    """Replace the cuts of this run, or with --rebuild the whole table; publish it with the consents."""
    days = ", ".join(f"DATE'{cut}'" for cut in cuts)
    ctx.lake.replace(table, features, where=None if ctx.options.get("rebuild") else f"as_of IN ({days})")
    ctx.lake.set_parameters(table, feature_parameters(ctx))
    ctx.lake.publish(ctx.lake.basis(EVENTS, (table, CONSENTS)))


def _count_by_cut(ctx: Context, table: Table, cuts: Collection[date]) -> dict[date, dict[str, int]]:
    """Count the users with features and the bots among them, by cut and in order of time."""
    written = ctx.lake.read(table).where(F.col("as_of").isin(*cuts))
    figures = F.count(F.lit(1)).alias("users"), F.count_if(is_bot(ctx.config.bots)).alias("bots")
    rows = written.groupBy("as_of").agg(*figures).orderBy("as_of").collect()  # a row per cut
    return {row["as_of"]: {"users": row["users"], "bots": row["bots"]} for row in rows}


def _count_users(ctx: Context, events: DataFrame) -> int:
    """Count the users who would have features at the cut."""
    known = events.where(before_cut(ctx.as_of, ctx.config.workspace.time_zone))
    row = known.agg(F.count_distinct("user_id").alias("users")).head()
    return int(row["users"]) if row else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
