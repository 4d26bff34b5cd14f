"""Judge a slice's records against each other and against what was judged before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.events.deduplicate import CONFLICT, HEAD, IDENTITY, judge_copies
from segmentation.events.payload import payload_json
from segmentation.increments.known import known_records, new_records
from segmentation.increments.state import hold

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.increments.state import State

RECORD_KEY = ("batch_id", "record_no")


class Verdicts(NamedTuple):
    """What became of records that are events by themselves."""

    heads: DataFrame
    """New records that no earlier record makes a copy: wide, as parsed."""
    copies: DataFrame
    """New records that are copies: RECORD_KEY, verdict, head_hash, payload_hash, and the parsed columns."""
    changed: DataFrame | None
    """Known records whose verdict or survivor changed, with both and their payload; None: nothing was known."""


def judge_slice(candidates: DataFrame, state: State, *, horizon_days: int) -> Verdicts:
    """Judge the candidates of a slice, and again what they touch of earlier slices.

    Only the narrow identity index is exchanged. The few losers are held in memory, so that the wide rows are
    filtered where they stand.
    """
    records = new_records(candidates)
    known = None
    if not state.is_empty:
        first = candidates.agg(F.min("received_at").alias("at")).head()
        if first is not None and first["at"] is not None:
            identities = candidates.select(*IDENTITY).distinct()
            since = first["at"] - timedelta(days=horizon_days)
            known = hold(known_records(state, identities, received_since=since))
            records = records.unionByName(known)
    judged = judge_copies(records, horizon_days=horizon_days)
    noted = hold(judged.where(F.col("known_as").isNotNull() | (F.col("verdict") != HEAD)))
    losers = noted.where(F.col("known_as").isNull()).select(*RECORD_KEY, "verdict", "head_hash", "payload_hash")
    return Verdicts(
        heads=candidates.join(losers, list(RECORD_KEY), "left_anti"),
        copies=candidates.join(losers, list(RECORD_KEY), "inner"),
        changed=None if known is None else _changed(noted, candidates, known),
    )


def _changed(noted: DataFrame, candidates: DataFrame, known: DataFrame) -> DataFrame | None:
    """Give known records whose verdict changed their payload, which a duplicate shares with its former survivor."""
    other_verdict = F.col("verdict") != F.col("known_verdict")
    other_survivor = (F.col("verdict") == CONFLICT) & (F.col("head_hash") != F.col("known_head_hash"))
    moved = noted.where(F.col("known_as").isNotNull() & (other_verdict | other_survivor))
    if moved.isEmpty():
        return None
    given = candidates.select(*IDENTITY, payload_json().alias("payload")).unionByName(
        known.where(F.col("payload").isNotNull()).select(*IDENTITY, "payload")
    )
    payloads = given.select(*IDENTITY, F.sha2("payload", 256).alias("payload_hash"), "payload").distinct()
    return hold(moved.drop("payload").join(payloads, [*IDENTITY, "payload_hash"], "left"))
