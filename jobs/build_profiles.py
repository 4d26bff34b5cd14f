"""Read the traits of persons from events (conf/profiles.yaml), and find from when to when each value holds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint, release_checkpoints
from segmentation.frames import empty_frame
from segmentation.ingest.apply import write_changes
from segmentation.ingest.changes import Deletion, TableChange
from segmentation.lake.change_feed import SIGN, changed_rows
from segmentation.profiles.observations import IS_READABLE, observe, sum_observations
from segmentation.profiles.params import fingerprint_places, load_profiles
from segmentation.profiles.periods import OWNER, update_profiles
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.traits import read_places
from segmentation.tables import EVENTS, INPUT_UNITS, PROFILES, TRAIT_OBSERVATIONS

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.checkpoints import Counted
    from segmentation.lake.lake import Lake
    from segmentation.profiles.params import ProfileParams, TraitPlace

READS = (INPUT_UNITS, EVENTS, TRAIT_OBSERVATIONS)
WRITES = (TRAIT_OBSERVATIONS, PROFILES)
DECLARED = "traits"
"""Name of the parameters that observations were read under."""
ALL, CHANGED, SAME = "read traits from all events", "read traits from changed events", "no event changed"


def add_arguments(parser: ArgumentParser) -> None:
    """The job has no options of its own."""


class Observed(NamedTuple):
    """Observations that a run adds or removes."""

    rows: DataFrame
    """OBSERVATION and `events`; checkpointed."""
    unreadable: int
    """Values that are not of their trait's type; they are left out."""


def run(ctx: Context) -> RunReport:
    """Update `trait_observations` and `profiles`, published as one; a second run changes nothing.

    Profiles are those of all ingested events, whatever the cut. Only events that changed since the last run are read,
    unless the log of `events` cannot tell them, or the traits, their places or the ranks of sources changed. Values
    that are not of their trait's type are counted: those that came, less those that left.

    Raises:
        ConfigurationError: nothing was ingested yet, or conf/profiles.yaml or a mapping is not valid.
    """
    lake, params = ctx.lake, load_profiles(ctx.conf_dir)
    events = lake.require(EVENTS, "ingest_events")
    places = read_places(ctx)
    if not places and lake.version(TRAIT_OBSERVATIONS) is None:
        return RunReport(as_of=ctx.given_as_of, notes=["no ingested source tells a declared trait"])
    fingerprint = fingerprint_places(params, places)
    is_same = _is_declared(lake, fingerprint)
    if is_same and (not places or lake.reflects(EVENTS, (TRAIT_OBSERVATIONS,))):
        return RunReport(as_of=ctx.given_as_of, notes=[SAME])
    with ctx.progress.step("read traits"), release_checkpoints(ctx.spark):
        changed = _changed_events(lake) if is_same else None
        observed = _observe(events.withColumn(SIGN, F.lit(1)) if changed is None else changed, places)
        if changed is None:
            touched = _write_all(lake, observed.rows, params)
            lake.set_parameters(TRAIT_OBSERVATIONS, {DECLARED: fingerprint})
        else:
            touched = _write_changed(lake, observed.rows, params)
        persons = touched.rows.select("user_id").distinct().count()
        lake.publish(lake.basis(EVENTS, WRITES))
    quality = {"persons_touched": persons, "unreadable_values": observed.unreadable}
    return RunReport(as_of=ctx.given_as_of, quality=quality, notes=[ALL if changed is None else CHANGED])


def _is_declared(lake: Lake, fingerprint: str) -> bool:
    """Return whether observations were read under this declaration."""
    return lake.version(TRAIT_OBSERVATIONS) is not None and (
        lake.parameters(TRAIT_OBSERVATIONS).get(DECLARED) == fingerprint
    )


def _changed_events(lake: Lake) -> DataFrame | None:
    """Return the rows of `events` that were added and removed since the last run; None if all events must be read."""
    since = lake.publications.current().bases.get(TRAIT_OBSERVATIONS.name, -1)
    return changed_rows(lake, EVENTS, since) if since >= 0 else None


def _observe(signed: DataFrame, places: Sequence[TraitPlace]) -> Observed:
    """Read observations from added and removed events, without those that were removed and added again."""
    if not places:
        return Observed(empty_frame(signed.sparkSession, TRAIT_OBSERVATIONS.schema), 0)
    told = checkpoint(observe(signed, places, SIGN).withColumnRenamed(SIGN, "events"))
    unreadable = told.where(f"NOT {IS_READABLE}").agg(F.sum("events").alias("values")).head()
    net = sum_observations(told.where(IS_READABLE), "events <> 0")
    return Observed(checkpoint(net), int(unreadable["values"] or 0) if unreadable else 0)


def _write_all(lake: Lake, observed: DataFrame, params: ProfileParams) -> Counted:
    """Write both tables anew; return the persons and traits that they have."""
    change = update_profiles(observed, empty_frame(lake.spark, TRAIT_OBSERVATIONS.schema), params)
    lake.replace(PROFILES, change.rows)
    lake.replace(TRAIT_OBSERVATIONS, _as_of_version(lake, observed))
    return change.owners


def _write_changed(lake: Lake, observed: DataFrame, params: ProfileParams) -> Counted:
    """Append observations and replace the rows of the persons and traits that they concern; return these."""
    change = update_profiles(observed, lake.read(TRAIT_OBSERVATIONS), params)
    # Observations are written also without rows: the commit lets them reflect this version of events.
    rows = _as_of_version(lake, observed).coalesce(1)
    changes = [TableChange(TRAIT_OBSERVATIONS, rows=rows)]
    if change.owners.count:
        changes.append(TableChange(PROFILES, (Deletion(change.owners.rows, OWNER),), change.rows.coalesce(1)))
    write_changes(lake, changes)
    return change.owners


def _as_of_version(lake: Lake, observed: DataFrame) -> DataFrame:
    return observed.withColumn("events_version", F.lit(lake.content_version(EVENTS)).cast("bigint"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
