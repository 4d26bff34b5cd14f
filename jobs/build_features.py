"""Compute the features of every user at the cut, and at the earlier cuts on which models are trained."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from segmentation.features import catalogue, feature_set_version, user_features_contract
from segmentation.features.build import FeatureInputs, build_user_features
from segmentation.features.inputs import AS_OF
from segmentation.features.pace import find_bots, is_bot, select_people
from segmentation.parameters import fingerprint_of
from segmentation.privacy.consent import build_consents, select_consented
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.cut import read_stored
from segmentation.runtime.main import run_job
from segmentation.runtime.past import split_cuts, tables_at_cuts
from segmentation.runtime.stored import require_events
from segmentation.segments.asking import read_history
from segmentation.segments.targets import find_cuts, load_targets
from segmentation.sequences.funnels import choose_funnels
from segmentation.sequences.habits import count_loops, list_attempts
from segmentation.sequences.states import load_states
from segmentation.sequences.steps import build_steps
from segmentation.sessions.as_of import before_cut
from segmentation.tables import CONSENTS, EVENTS, SESSIONS, USER_DAYS, USER_FEATURES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.features.inputs import Cuts
    from segmentation.sequences.funnels import Funnel
    from segmentation.sequences.states import StateMapping

READS = (EVENTS, SESSIONS, USER_DAYS)
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
            `features.funnels` names a funnel that does not exist.
    """
    as_of, table = ctx.as_of, user_features_contract(ctx.config.features)
    if not ctx.options.get("rebuild"):
        ctx.lake.check_parameters(table, _fingerprints(ctx), f"python {REBUILD} --lake {ctx.lake.root}")
    events = require_events(ctx)
    cuts = _find_cuts(ctx, events, as_of)
    inputs = _read_inputs(ctx, events, cuts)
    built = build_user_features(inputs, params=ctx.config.features, basis=_basis(ctx))
    consents = _consents(ctx, events)
    features = select_people(select_consented(built, consents, ctx.config.consent), ctx.config.bots)
    if ctx.options.get("rebuild"):
        ctx.lake.replace(table, features)
    else:
        days = ", ".join(f"DATE'{cut}'" for cut in cuts)
        ctx.lake.replace(table, features, where=f"as_of IN ({days})")
    ctx.lake.set_parameters(table, _fingerprints(ctx))
    ctx.lake.publish(ctx.lake.basis(EVENTS, (table, CONSENTS)))
    written = ctx.lake.read(table).where(F.col("as_of").isin(*cuts))
    figures = F.count(F.lit(1)).alias("users"), F.count_if(is_bot(ctx.config.bots)).alias("bots")
    counted = {row["as_of"]: row for row in written.groupBy("as_of").agg(*figures).orderBy("as_of").collect()}
    users = {str(cut): row["users"] for cut, row in counted.items()}
    quality: dict[str, Any] = {"users": users, "features": len(catalogue(ctx.config.features))}
    left_out = 0
    if ctx.config.bots.policy == "exclude":
        bots = find_bots(_counts_at(inputs, as_of), as_of=as_of, params=ctx.config.bots)
        quality["bots_left_out"] = left_out = select_consented(bots, consents, ctx.config.consent).count()
    else:
        quality["bots"] = counted[as_of]["bots"] if as_of in counted else 0
    if ctx.config.consent.needed:
        quality["without_consent"] = _count_users(ctx, events) - users.get(str(as_of), 0) - left_out
    return RunReport(as_of=as_of, quality=quality)


def _consents(ctx: Context, events: DataFrame) -> DataFrame:
    """Write the current consents of all users if events carry them, or did before; return them."""
    if ctx.config.consent.events or ctx.lake.version(CONSENTS) is not None:
        ctx.lake.replace(CONSENTS, build_consents(events, ctx.config.consent))
    return ctx.lake.read(CONSENTS)


def _count_users(ctx: Context, events: DataFrame) -> int:
    """Count the users who would have features at the cut."""
    known = events.where(before_cut(ctx.as_of, ctx.config.workspace.time_zone))
    row = known.agg(F.count_distinct("user_id").alias("users")).head()
    return int(row["users"]) if row else 0


def _find_cuts(ctx: Context, events: DataFrame, as_of: date) -> dict[date, bool]:
    """Return the cuts that have events, and whether each lies after all that is known."""
    config = ctx.config
    history = read_history(events, as_of=as_of, time_zone=config.workspace.time_zone)
    targets = load_targets(ctx.conf_dir, params=config.propensity, workspace=config.workspace)
    lateness = config.ingest.allowed_lateness_days
    found = (
        find_cuts(target, as_of=as_of, history=history, allowed_lateness_days=lateness, params=config.propensity)
        for target in targets
    )
    earlier = {cut for cuts in found if cuts is not None for cut in cuts.all} | {*config.hysteresis.cuts_before(as_of)}
    cuts = (*sorted(earlier), as_of)
    known = [before_cut(cut, ctx.config.workspace.time_zone) for cut in cuts]
    row = events.agg(*map(F.bool_or, known), *map(F.bool_and, known)).head() or ()
    some, everything = row[: len(cuts)], row[len(cuts) :]
    return {cut: is_all for cut, is_some, is_all in zip(cuts, some, everything, strict=True) if is_some}


def _read_inputs(ctx: Context, events: DataFrame, cuts: Mapping[date, bool]) -> dict[Cuts, FeatureInputs]:
    """Take the stored tables at cuts that know all events; recompute those of all other cuts in one pass."""
    inputs: dict[Cuts, FeatureInputs] = {}
    for cut in (cut for cut, is_current in cuts.items() if is_current):
        stored = read_stored(ctx)
        inputs[cut] = FeatureInputs(stored.user_days, stored.item_counts, stored.sessions, *_walks(ctx, events))
    earlier = tuple(cut for cut, is_current in cuts.items() if not is_current)
    if earlier:
        config = ctx.config
        past = tables_at_cuts(events, cuts=earlier, workspace=config.workspace, sessions=config.sessions)
        days, counts, sessions = map(split_cuts, (past.user_days, past.item_counts, past.sessions))
        walks = (None if walk is None else split_cuts(walk) for walk in _walks(ctx, past.events))
        inputs[earlier] = FeatureInputs(days, counts, sessions, *walks)
    return inputs


def _counts_at(inputs: Mapping[Cuts, FeatureInputs], as_of: date) -> DataFrame:
    """Return the counts as known at a cut, alone or among those of several cuts."""
    if as_of in inputs:
        return inputs[as_of].item_counts
    together = next(of for cuts, of in inputs.items() if isinstance(cuts, tuple) and as_of in cuts)
    return together.item_counts.where(F.col(AS_OF) == F.lit(as_of))


def _walks(ctx: Context, events: DataFrame) -> tuple[DataFrame | None, DataFrame | None]:
    """Derive attempts and loops for the features of sequences; None if they are not configured."""
    params, zone = ctx.config.features, ctx.config.workspace.time_zone
    if not params.needs_steps:
        return None, None
    funnels, states = _funnels(ctx)
    steps = build_steps(events, states=states, time_zone=zone)
    attempts = list_attempts(steps, funnels=funnels, time_zone=zone) if funnels else None
    return attempts, count_loops(steps) if params.loops else None


def _funnels(ctx: Context) -> tuple[tuple[Funnel, ...], StateMapping]:
    conf = ctx.conf_dir
    return choose_funnels(conf, ctx.config.features.funnels, key="features.funnels"), load_states(conf)


def _basis(ctx: Context) -> str | None:
    """Fingerprint the funnels and states that features rest on; None where they rest on none."""
    if not ctx.config.features.needs_steps:
        return None
    funnels, states = _funnels(ctx)
    return fingerprint_of([states.fingerprint, *(funnel.fingerprint for funnel in funnels)])


def _fingerprints(ctx: Context) -> dict[str, str]:
    return {
        "features": feature_set_version(ctx.config.features, _basis(ctx)),
        "bots": ctx.config.bots.fingerprint,
        "consent": ctx.config.consent.fingerprint,
        "sessions": ctx.config.sessions.fingerprint,
        "workspace": ctx.config.workspace.fingerprint,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
