"""Judge a slice's records against each other and against what was judged before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint, checkpoint_observing
from segmentation.events.deduplicate import CONFLICT, DUPLICATE, HEAD, IDENTITY, judge_copies
from segmentation.events.payload import restored_events
from segmentation.ingest.known import earlier_payloads, known_records, new_records
from segmentation.ingest.routes import ROUTE, find_suspects, identity_hash, index_records
from segmentation.quality.lateness import is_late

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.ingest.routes import Index
    from segmentation.ingest.state import Batch, State


class Verdicts(NamedTuple):
    """What became of a slice's records; all frames but `heads` are few rows, held."""

    narrow: Index
    """Of all of them."""
    heads: DataFrame
    """Events of the slice: wide, as parsed, read where they stand."""
    rejected: DataFrame
    """Records rejected for themselves, as parsed."""
    late: DataFrame
    """Heads received too late, as parsed."""
    copies: DataFrame
    """Copies, as parsed, with verdict, head_hash and payload_hash."""
    changed: DataFrame | None
    """Known records whose verdict or survivor changed, with both and their payload; None: there are none."""
    revived: DataFrame | None
    """Those of them that were copies of what left, and are events now; as stored, with known_as and `late`."""


def judge_slice(received: Batch, state: State, *, dedup_window_days: int, zone: str) -> Verdicts:
    """Judge the records of a slice, and again what they touch of earlier slices.

    Only hashes of identities are exchanged. What is set aside is held, so that the wide rows are filtered where
    they stand.
    """
    index = index_records(received.records)
    suspects = find_suspects(index, state, dedup_window_days=dedup_window_days)
    aside = _set_aside(received, index.rows, suspects.routes, state)
    records = everything = new_records(aside.where("suspected"))
    if suspects.received_since is not None:
        known = state.hold_few(known_records(state, suspects))
        records, everything = records.unionByName(state.standing(known)), records.unionByName(known)
    judged = judge_copies(records, dedup_window_days=dedup_window_days, complete_from=suspects.complete_from)
    noted = state.hold_few(judged.where(F.col("known_as").isNotNull() | (F.col("verdict") != HEAD)))
    losers = noted.where(F.col("known_as").isNull()).select("row_key", "verdict", "head_hash", "payload_hash")
    told = state.hold_few(aside.join(state.broadcast(losers), "row_key", "left"))
    is_copy = F.col("verdict").isNotNull()
    no_heads = told.where(F.col("rejected") | F.col("late") | is_copy).select("row_key")
    changed = None if suspects.received_since is None else _changed(noted, everything, state)
    revived = None if changed is None else _revived(changed, received.allowed_lateness_days, zone)
    return Verdicts(
        narrow=index,
        heads=received.records.join(state.broadcast(no_heads), "row_key", "left_anti"),
        rejected=told.where("rejected"),
        late=told.where(F.col("late") & ~F.col("rejected") & ~is_copy),
        copies=told.where(is_copy),
        changed=None if changed is None else changed.records,
        revived=revived,
    )


def _set_aside(received: Batch, index: DataFrame, routes: DataFrame, state: State) -> DataFrame:
    """Hold, with all columns, the records that are not plainly events: rejected, late, or of a suspected route."""
    is_route = state.broadcast(routes.select(ROUTE, F.lit(True).alias("_marked")))

    def mark(hashed: DataFrame) -> DataFrame:
        suspected = F.coalesce("_marked", F.lit(False)) & ~F.col("rejected")
        return hashed.join(is_route, ROUTE, "left").select(*hashed.columns, suspected.alias("suspected"))

    apart = mark(index).where(F.col("rejected") | F.col("late") | F.col("suspected"))
    few = received.pick(apart.select("row_key"))
    return state.hold_few(mark(few.select("*", identity_hash())).drop(ROUTE))


class _Changed(NamedTuple):
    records: DataFrame
    revived: int
    """How many of them were copies of what left, and are copies of nothing now."""


def _changed(noted: DataFrame, records: DataFrame, state: State) -> _Changed | None:
    """Give known records whose verdict changed their payload, which a duplicate shares with its former survivor.

    Args:
        noted: known records, judged again.
        records: all records of their identities, those that leave among them.
        state: earlier tables.
    """
    other_verdict = F.col("verdict") != F.col("known_verdict")
    other_survivor = (F.col("verdict") == CONFLICT) & (F.col("head_hash") != F.col("known_head_hash"))
    changes = noted.where(F.col("known_as").isNotNull() & (other_verdict | other_survivor))
    counts = F.count(F.lit(1)).alias("records"), F.count_if(_is_revived()).alias("revived")
    moved, noticed = checkpoint_observing(changes, *counts)
    if not noticed["records"]:
        return None
    held, missing = checkpoint_observing(
        _given_back(moved, records), F.count_if(F.col("payload").isNull()).alias("payloads")
    )
    if missing["payloads"]:
        given = _given_back(held, earlier_payloads(held, state))
        # A payload that nobody has was erased with a person: copies of it stay what they are.
        held = checkpoint(given.where(F.col("payload").isNotNull()))
    return _Changed(state.together(held), noticed["revived"])


def _given_back(changed: DataFrame, records: DataFrame) -> DataFrame:
    """Give records the payload that another of their identity and hash has; those that have one keep it."""
    given = records.where(F.col("payload").isNotNull()).select(
        *IDENTITY, "payload_hash", F.col("payload").alias("_given")
    )
    found = changed.join(given.distinct(), [*IDENTITY, "payload_hash"], "left")
    return found.withColumn("payload", F.coalesce("payload", "_given")).drop("_given").select(*changed.columns)


def _is_revived() -> Column:
    """Tell whether a known copy is one no longer: its survivor left with its unit, or was erased."""
    return (F.col("verdict") == HEAD) & F.col("known_verdict").isin(DUPLICATE, CONFLICT)


def _revived(changed: _Changed, allowed_lateness_days: int | None, zone: str) -> DataFrame | None:
    if not changed.revived:
        return None
    events = restored_events(changed.records.where(_is_revived()), "payload", zone, "known_as")
    return checkpoint(events.select("*", is_late("received_at", "event_at", allowed_lateness_days).alias("late")))
