"""Read traits of persons: where events tell them, and their values at cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError
from segmentation.frames import empty_frame
from segmentation.profiles.params import TraitPlace, find_places, load_profiles
from segmentation.profiles.periods import values_at
from segmentation.runtime.stored import ingested_sources
from segmentation.tables import EVENTS, TRAIT_OBSERVATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.runtime.context import Context


def read_places(ctx: Context) -> tuple[TraitPlace, ...]:
    """Return where the ingested sources tell declared traits; none if no traits are declared.

    Raises:
        ConfigurationError: conf/profiles.yaml or a mapping is not valid.
    """
    params = load_profiles(ctx.conf_dir)
    return find_places(ctx.conf_dir, params, ingested_sources(ctx)) if params.traits else ()


def read_observations(ctx: Context) -> DataFrame:
    """Read `trait_observations`.

    Raises:
        ConfigurationError: events changed since traits were read from them; names the job to run.
    """
    observations = ctx.lake.require(TRAIT_OBSERVATIONS, "build_profiles")
    if not ctx.lake.reflects(EVENTS, (TRAIT_OBSERVATIONS,)):
        raise ConfigurationError("events changed since traits were read from them: run jobs/build_profiles.py first")
    return observations


def read_trait_values(ctx: Context, cuts: Sequence[date]) -> DataFrame:
    """Read the values of traits at cuts (`as_of`, `user_id`, `trait`, `value`), as known at each.

    There are none if no ingested source tells a declared trait.

    Raises:
        ConfigurationError: events changed since traits were read from them; names the job to run.
    """
    none = empty_frame(ctx.spark, TRAIT_OBSERVATIONS.schema)
    observations = read_observations(ctx) if read_places(ctx) else none
    zone = ctx.config.workspace.time_zone
    return values_at(observations, load_profiles(ctx.conf_dir), cuts=cuts, time_zone=zone)


def trait_values_of(ctx: Context, as_of: date, *, needed: bool) -> DataFrame | None:
    """Read the values of traits at one cut (`user_id`, `trait`, `value`) if they are needed, else None."""
    return read_trait_values(ctx, (as_of,)).drop("as_of") if needed else None
