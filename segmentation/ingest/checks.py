"""Check a batch before anything of it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import ContractError, DataError

if TYPE_CHECKING:
    from segmentation.ingest.batches import Batch
    from segmentation.ingest.index import Index

FEW_MESSAGES = 1_000
"""The share of rejected records is not checked in smaller batches of messages: one bad message would stop the topic."""


def check_rejected(index: Index, batch: Batch, *, max_share: float) -> None:
    """Check, before anything is written, that there are records and that not too many are rejected.

    Excluded records do not count: the share is of all others.

    Raises:
        DataError: the message names the share, the limit and the most frequent reasons.
    """
    total, rejected = index.records - index.excluded, index.rejected - index.excluded
    name = f"source '{batch.source}'"
    if index.records == 0 and not batch.of_messages:
        raise DataError(f"{name}: the input holds no records")
    if not rejected or (batch.of_messages and total < FEW_MESSAGES):
        return
    share = rejected / total
    if share <= max_share and (share < 1 or batch.of_messages):
        return
    reasons = _most_frequent_reasons(batch)
    if share == 1 and not batch.of_messages:
        raise DataError(f"{name}: no record is left after cleaning, all {total} were rejected ({reasons})")
    raise DataError(
        f"{name}: {share:.1%} of {total} records were rejected ({reasons}), more than "
        f"ingest.max_rejected_share = {max_share}; correct the mapping, or raise the limit"
    )


def _most_frequent_reasons(batch: Batch) -> str:
    rejected = batch.records.where("rejected AND NOT excluded").groupBy(F.col("reasons")[0].alias("reason")).count()
    worst = rejected.orderBy(F.desc("count"), "reason").limit(3).collect()
    return ", ".join(f"{row['reason']} {row['count']}" for row in worst)


def check_ledger(index: Index, read: int, batch: Batch) -> None:
    """Check that the ledger has every record of the batch.

    Raises:
        ContractError: a record is unaccounted for.
    """
    if index.records != read:
        raise ContractError(f"source '{batch.source}': {index.records} records were read, the ledger has {read}")


def check_accepted(accepted: int, batch: Batch) -> None:
    """Check that the first batch of a lake has an event.

    Raises:
        DataError: all records were excluded, duplicates, conflicts or too late.
    """
    if not accepted and not (batch.of_messages or batch.expires):
        raise DataError(
            f"source '{batch.source}': no event was accepted; every record was excluded, a copy or too late"
        )
