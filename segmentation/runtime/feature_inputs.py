"""Read the inputs of the features: which cuts to build, and the tables as known at each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.features import feature_set_version
from segmentation.features.build import FeatureInputs
from segmentation.features.inputs import AS_OF
from segmentation.parameters import fingerprint_of
from segmentation.profiles.params import load_profiles
from segmentation.runtime.cut import read_stored
from segmentation.runtime.past import split_cuts, tables_at_cuts
from segmentation.runtime.traits import read_trait_values
from segmentation.segments.asking import read_history
from segmentation.segments.targets import list_training_cuts, load_targets
from segmentation.sequences.funnels import choose_funnels
from segmentation.sequences.habits import count_loops, list_attempts
from segmentation.sequences.states import load_states
from segmentation.sequences.steps import build_steps
from segmentation.sessions.as_of import find_known_cuts
from segmentation.sessions.property_days import sum_properties

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.features.inputs import Cuts
    from segmentation.runtime.context import Context
    from segmentation.sequences.funnels import Funnel
    from segmentation.sequences.states import StateMapping


def find_feature_cuts(ctx: Context, events: DataFrame) -> dict[date, bool]:
    """Return the cuts that need features, in order of time, and whether a cut knows all events.

    They are the run's cut, and the earlier ones on which propensities are trained and measured and on which hysteresis
    looks back. Cuts before which no event is known are left out.

    Raises:
        DataError: nothing had happened and been received before the run's cut.
        ConfigurationError: a target is wrong.
    """
    config, as_of, zone = ctx.config, ctx.as_of, ctx.config.workspace.time_zone
    of_targets = list_training_cuts(
        load_targets(ctx.conf_dir, params=config.propensity),
        as_of=as_of,
        history=read_history(events, as_of=as_of, time_zone=zone),
        allowed_lateness_days=config.ingest.allowed_lateness_days,
        params=config.propensity,
    )
    earlier = sorted({*of_targets, *config.hysteresis.cuts_before(as_of)})
    return find_known_cuts(events, cuts=(*earlier, as_of), time_zone=zone)


def read_feature_inputs(ctx: Context, events: DataFrame, cuts: Mapping[date, bool]) -> dict[Cuts, FeatureInputs]:
    """Read the stored tables for cuts that know all events, and recompute those of all other cuts in one pass.

    Args:
        ctx: the run.
        events: all stored events.
        cuts: of :func:`find_feature_cuts`.

    Returns:
        Cut -> its tables; and all cuts that do not know all events, as one key -> their tables in one frame each.

    Raises:
        ConfigurationError: a table is missing, or `features.funnels` names a funnel that does not exist.
    """
    inputs: dict[Cuts, FeatureInputs] = {}
    traits = read_trait_values(ctx, tuple(cuts)) if ctx.config.features.traits else None
    for cut in (cut for cut, is_current in cuts.items() if is_current):
        stored = read_stored(ctx)
        tables = (stored.user_days, stored.item_counts, stored.sessions)
        inputs[cut] = FeatureInputs(*tables, *derive_optional(ctx, events), _of_cuts(traits, (cut,)))
    earlier = tuple(cut for cut, is_current in cuts.items() if not is_current)
    if earlier:
        config = ctx.config
        past = tables_at_cuts(events, cuts=earlier, workspace=config.workspace, sessions=config.sessions)
        days, counts, sessions = map(split_cuts, (past.user_days, past.item_counts, past.sessions))
        attempts, loops, properties = (
            None if one is None else split_cuts(one) for one in derive_optional(ctx, past.events)
        )
        inputs[earlier] = FeatureInputs(days, counts, sessions, attempts, loops, properties, _of_cuts(traits, earlier))
    return inputs


def fingerprint_declarations(ctx: Context) -> str | None:
    """Fingerprint the funnels, states and traits on which features are based; None if there are no such features.

    Raises:
        ConfigurationError: `features` names a funnel or trait that does not exist, or a file is wrong.
    """
    params, found = ctx.config.features, []
    if params.needs_steps:
        funnels, states = _load_walks(ctx)
        found += [states.fingerprint, *(funnel.fingerprint for funnel in funnels)]
    if params.traits:
        profiles = load_profiles(ctx.conf_dir)
        traits = {name: profiles.require(name, where="features.traits").type for name in params.traits}
        found += [fingerprint_of([traits, profiles.sources])]
    return fingerprint_of(found) if found else None


def feature_parameters(ctx: Context) -> dict[str, str]:
    """Return the fingerprints of everything that shapes `user_features`: cuts under different ones are not mixed."""
    return {
        "features": feature_set_version(ctx.config.features, fingerprint_declarations(ctx)),
        "bots": ctx.config.bots.fingerprint,
        "consent": ctx.config.consent.fingerprint,
        "sessions": ctx.config.sessions.fingerprint,
        "workspace": ctx.config.workspace.fingerprint,
    }


def derive_optional(ctx: Context, events: DataFrame) -> tuple[DataFrame | None, DataFrame | None, DataFrame | None]:
    """Derive attempts, loops and numeric properties of users' days from events; None if they are not configured."""
    names = ctx.config.features.numeric_properties
    return (*_walks(ctx, events), sum_properties(events, names=names) if names else None)


def _of_cuts(traits: DataFrame | None, cuts: tuple[date, ...]) -> DataFrame | None:
    return None if traits is None else traits.where(F.col(AS_OF).isin(*cuts))


def _walks(ctx: Context, events: DataFrame) -> tuple[DataFrame | None, DataFrame | None]:
    """Derive attempts and loops for the features of sequences; None if they are not configured."""
    params, zone = ctx.config.features, ctx.config.workspace.time_zone
    if not params.needs_steps:
        return None, None
    funnels, states = _load_walks(ctx)
    steps = build_steps(events, states=states, time_zone=zone)
    attempts = list_attempts(steps, funnels=funnels, time_zone=zone) if funnels else None
    return attempts, count_loops(steps) if params.loops else None


def _load_walks(ctx: Context) -> tuple[tuple[Funnel, ...], StateMapping]:
    conf = ctx.conf_dir
    return choose_funnels(conf, ctx.config.features.funnels, key="features.funnels"), load_states(conf)
