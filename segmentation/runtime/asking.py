"""Read the inputs of questions about users that several jobs share: behaviour, events known at a cut, a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.runtime.cut import read_cut, read_stored
from segmentation.runtime.traits import trait_values_of
from segmentation.segments.asking import measure_at_cut, read_history
from segmentation.segments.behaviours.behaviour import Traces
from segmentation.segments.labels import Known, label_users
from segmentation.segments.rules import behaviours_of
from segmentation.segments.targets import mark_asked
from segmentation.sequences.funnels import load_funnels
from segmentation.sequences.states import load_states
from segmentation.sessions.as_of import before_cut
from segmentation.tables import EVENTS, USER_FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.models.windows import History
    from segmentation.runtime.context import Context
    from segmentation.segments.behaviours.behaviour import Behaviour
    from segmentation.segments.targets import Target


@dataclass(frozen=True)
class Inputs:
    """Inputs from which labels and features of any cut are computed."""

    known: Known
    features: DataFrame
    history: History


def measure_behaviours(ctx: Context, behaviours: Sequence[Behaviour], as_of: date) -> DataFrame | None:
    """Measure what conditions ask of users' events, from the stored counts if these know nothing beyond the cut.

    Grain: see `measure.measure_behaviour`; None where nothing is asked.

    Raises:
        ConfigurationError: events were not ingested yet, traits were not read from the newest events, or a declaration
            is wrong.
    """
    if not behaviours:
        return None
    needs_traits = any("traits" in one.reads for one in behaviours)
    return measure_at_cut(
        read_stored(ctx),
        behaviours=behaviours,
        funnels={funnel.name: funnel for funnel in load_funnels(ctx.conf_dir)},
        states=load_states(ctx.conf_dir),
        as_of=as_of,
        workspace=ctx.config.workspace,
        sessions=ctx.config.sessions,
        traits=trait_values_of(ctx, as_of, needed=needs_traits),
    )


def read_inputs(ctx: Context) -> Inputs:
    """Read what is known at the run's cut; the stored tables are used if they know nothing beyond it.

    Raises:
        ConfigurationError: events were not ingested or features not built yet, or funnels or states are wrong.
        DataError: nothing had happened and been received before the cut.
    """
    zone = ctx.config.workspace.time_zone
    history = read_history(ctx.lake.require(EVENTS, "ingest_events"), as_of=ctx.as_of, time_zone=zone)
    known = Known(
        Traces.of(read_cut(ctx)),
        funnels={funnel.name: funnel for funnel in load_funnels(ctx.conf_dir)},
        states=load_states(ctx.conf_dir),
        time_zone=zone,
    )
    return Inputs(known, ctx.lake.require(USER_FEATURES, "build_features"), history)


def label_target(ctx: Context, inputs: Inputs, target: Target, cut: date, features: Sequence[str]) -> DataFrame:
    """Label the users at a cut that a target asks about; see `labels.label_users`."""
    who = () if target.who is None else (target.who,)
    behaviour = measure_behaviours(ctx, behaviours_of(*who), cut)
    asked = mark_asked(inputs.features, targets=(target,), cut=cut, behaviour=behaviour)
    return label_users(asked, inputs.known, target=target, cut=cut, features=features)


def find_baseline(ctx: Context) -> date | None:
    """Find the newest cut of `user_features` at least `monitoring.baseline_days` before the run's; None if none."""
    until = ctx.as_of - timedelta(days=ctx.config.monitoring.baseline_days)
    known = ctx.lake.read(USER_FEATURES).where(F.col("as_of") <= F.lit(until))
    row = known.agg(F.max("as_of").alias("cut")).head()
    return row["cut"] if row else None


def check_cuts(ctx: Context, user_features: DataFrame, cuts: Sequence[date]) -> None:
    """Check that features were built at earlier cuts, wherever the run's users had any events by then.

    Raises:
        ConfigurationError: they were not; names the command that builds them.
    """
    built = {row["as_of"] for row in user_features.select("as_of").distinct().collect()}  # a row per cut
    users = user_features.where(F.col("as_of") == F.lit(ctx.as_of)).select("user_id")
    for cut in (cut for cut in cuts if cut not in built):
        known = ctx.lake.read(EVENTS).where(before_cut(cut, ctx.config.workspace.time_zone))
        if not known.join(users, "user_id", "left_semi").isEmpty():
            raise ConfigurationError(
                f"user_features has no cut {cut}, which hysteresis.earlier_cuts asks for: run jobs/build_features.py "
                f"--as-of {ctx.as_of} with the same settings first"
            )
