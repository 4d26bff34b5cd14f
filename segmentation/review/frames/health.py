"""Whether the records add up, and whether the figures are good enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.review.frames.records import Records, fetch_records
from segmentation.tables.ingest_ledger import ACCEPTED, DUPLICATE, PARSED, QUARANTINED, READ, STAGES, UNPARSABLE

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame


def balance_ledger(ledger: DataFrame) -> Records:
    """Add up the ledger per source.

    Returns:
        source, one count per stage, and `balanced`: read = parsed + unparsable and
        parsed = accepted + duplicate + quarantined.
    """
    counts = [
        F.sum(F.when(F.col("stage") == stage, F.col("records")).otherwise(0)).alias(stage) for stage in STAGES
    ]
    verdicts = F.col(ACCEPTED) + F.col(DUPLICATE) + F.col(QUARANTINED)
    balanced = (F.col(READ) == F.col(PARSED) + F.col(UNPARSABLE)) & (F.col(PARSED) == verdicts)
    totals = ledger.groupBy("source").agg(*counts).select("*", balanced.alias("balanced"))
    return fetch_records(totals.orderBy("source"))


def count_reasons(ledger: DataFrame) -> Records:
    """Count rejected records per source, stage and reason, most frequent first."""
    rejected = ledger.where(F.col("stage").isin(UNPARSABLE, QUARANTINED))
    counts = rejected.groupBy("source", "stage", "reason").agg(F.sum("records").alias("records"))
    return fetch_records(
        counts.where(F.col("records") != 0).orderBy(F.col("records").desc(), "source", "stage", "reason")
    )


def list_evaluations(evaluations: DataFrame, cut: date) -> Records:
    """List the figures of a cut: breaches first, then judged ones, then those for information."""
    urgency = F.when(F.col("status") == "breach", 0).when(F.col("status") == "ok", 1).otherwise(2)
    return fetch_records(evaluations.where(F.col("as_of") == F.lit(cut)).orderBy(urgency, "scope", "metric"))
