"""Compute features of accounts (companies) at the cut, and find which are in the rule segments on accounts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark.sql import functions as F

from segmentation.checkpoints import release_checkpoints
from segmentation.errors import ConfigurationError
from segmentation.features import account_features_contract
from segmentation.features.build import FeatureInputs, build_user_features
from segmentation.frames import conform, empty_frame
from segmentation.profiles.accounts import ACCOUNT_ID, account_events, account_tables
from segmentation.profiles.params import ACCOUNT, TraitPlace, find_account_places, fingerprint_places, load_profiles
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.feature_inputs import derive_optional, feature_parameters, fingerprint_declarations
from segmentation.runtime.main import run_job
from segmentation.runtime.stored import ingested_sources, require_events
from segmentation.runtime.traits import read_observations, read_places
from segmentation.segments.behaviours.behaviour import Declarations, Traces
from segmentation.segments.behaviours.measure import measure_behaviour
from segmentation.segments.rules import ACCOUNT as OF_ACCOUNTS
from segmentation.segments.rules import Rule, build_cohorts, count_members, load_rules
from segmentation.sequences.funnels import load_funnels
from segmentation.sequences.states import load_states
from segmentation.tables import (
    ACCOUNT_COHORTS,
    ACCOUNT_FEATURES,
    COHORTS,
    EVENTS,
    INPUT_UNITS,
    TRAIT_OBSERVATIONS,
    USER_FEATURES,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.features.params import FeatureParams
    from segmentation.sessions.as_of import CutTables

READS = (INPUT_UNITS, EVENTS, TRAIT_OBSERVATIONS, USER_FEATURES)
WRITES = (ACCOUNT_FEATURES, ACCOUNT_COHORTS)
REBUILD = "jobs/build_accounts.py --rebuild"


class AccountPlaces(NamedTuple):
    """Properties that hold an account."""

    of_events: tuple[TraitPlace, ...]
    """Properties that hold the account of the event itself."""
    of_persons: tuple[TraitPlace, ...]
    """Properties that hold the trait `account` of the person."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the job's own options."""
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="replace all cuts by this one, under the present parameters",
    )


def run(ctx: Context) -> RunReport:
    """Write `account_features` and `account_cohorts` at the cut; again leaves equal rows.

    The events of users who have features at the cut count: of users without consent, and of bots that are left out,
    there are none. An event without an account counts in none.

    Raises:
        ConfigurationError: `user_features` has no such cut yet, traits were not read from the newest events, a rule is
            wrong, or the tables were built under other parameters and --rebuild is not given.
    """
    as_of, places = ctx.as_of, _find_places(ctx)
    if not places.of_events and not places.of_persons:
        return RunReport(as_of=as_of, notes=["no ingested source tells an account"])
    params = ctx.config.features.model_copy(update={"traits": {}})
    table = account_features_contract(params)
    shaped_by = {**feature_parameters(ctx), "accounts": _fingerprint(ctx, places)}
    if not ctx.options.get("rebuild"):
        ctx.lake.check_parameters(table, shaped_by, f"python {REBUILD} --lake {ctx.lake.root}{ctx.given_settings}")
    where = None if ctx.options.get("rebuild") else f"as_of = DATE'{as_of}'"
    with ctx.progress.step("build accounts"), release_checkpoints(ctx.spark):
        tables = _read_tables(ctx, places)
        features = _build_features(ctx, tables, params)
        ctx.lake.replace(table, conform(features.withColumnRenamed("user_id", ACCOUNT_ID), table), where=where)
        ctx.lake.set_parameters(table, shaped_by)
        rules = load_rules(ctx.conf_dir, OF_ACCOUNTS)
        cohorts = _build_cohorts(ctx, tables, features, rules).withColumnRenamed("user_id", ACCOUNT_ID)
        ctx.lake.replace(ACCOUNT_COHORTS, cohorts, where=where)
        ctx.lake.publish(ctx.lake.basis(EVENTS, WRITES))
    return RunReport(as_of=as_of, quality=_count(ctx, rules))


def _find_places(ctx: Context) -> AccountPlaces:
    of_persons = tuple(place for place in read_places(ctx) if place.trait == ACCOUNT)
    return AccountPlaces(find_account_places(ctx.conf_dir, ingested_sources(ctx)), of_persons)


def _fingerprint(ctx: Context, places: AccountPlaces) -> str:
    return fingerprint_places(load_profiles(ctx.conf_dir), (*places.of_events, *places.of_persons))


def _read_tables(ctx: Context, places: AccountPlaces) -> CutTables:
    """Compute the tables of accounts at the cut.

    Raises:
        ConfigurationError: `user_features` has no such cut yet, or traits were not read from the newest events.
    """
    as_of = ctx.as_of
    users = ctx.lake.require(USER_FEATURES, "build_features").where(F.col("as_of") == F.lit(as_of)).select("user_id")
    if users.isEmpty():
        raise ConfigurationError(f"user_features has no cut {as_of}: run jobs/build_features.py --as-of {as_of}")
    observed = read_observations(ctx) if places.of_persons else empty_frame(ctx.spark, TRAIT_OBSERVATIONS.schema)
    owned = account_events(
        require_events(ctx),
        observed,
        users,
        places=places.of_events,
        params=load_profiles(ctx.conf_dir),
        as_of=as_of,
        time_zone=ctx.config.workspace.time_zone,
    )
    return account_tables(owned, workspace=ctx.config.workspace, sessions=ctx.config.sessions)


def _build_features(ctx: Context, tables: CutTables, params: FeatureParams) -> DataFrame:
    """Compute the features of accounts; `user_id` is the account."""
    optional = derive_optional(ctx, tables.events)
    inputs = FeatureInputs(tables.user_days, tables.item_counts, tables.sessions, *optional)
    return build_user_features({ctx.as_of: inputs}, params=params, basis=fingerprint_declarations(ctx))


def _build_cohorts(ctx: Context, tables: CutTables, features: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """Apply the rules on accounts; `user_id` is the account."""
    if not rules:
        return empty_frame(ctx.spark, COHORTS.schema)
    asked = list(dict.fromkeys(one for rule in rules for one in rule.behaviours))
    funnels = {funnel.name: funnel for funnel in load_funnels(ctx.conf_dir)}
    given = Declarations(ctx.as_of, ctx.config.workspace.time_zone, funnels, load_states(ctx.conf_dir))
    measured = measure_behaviour(Traces.of(tables), behaviours=asked, given=given) if asked else None
    return build_cohorts(features, rules=rules, as_of=ctx.as_of, behaviour=measured)


def _count(ctx: Context, rules: Sequence[Rule]) -> dict[str, Any]:
    """Count the accounts at the cut, and the members of each rule."""
    at_cut = F.col("as_of") == F.lit(ctx.as_of)
    accounts = ctx.lake.read(ACCOUNT_FEATURES).where(at_cut).count()
    return {"accounts": accounts, "members": count_members(ctx.lake.read(ACCOUNT_COHORTS).where(at_cut), rules)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
