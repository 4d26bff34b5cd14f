"""Whether the records add up, and whether the figures are good enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.review.frames.records import Record, Records, fetch_records
from segmentation.tables.ingest_ledger import (
    ACCEPTED,
    DUPLICATE,
    EXCLUDED,
    PARSED,
    QUARANTINED,
    READ,
    STAGES,
    UNPARSABLE,
)

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame


def sum_ledger(ledger: DataFrame) -> Records:
    """Add up the ledger: source x stage x reason -> records."""
    return fetch_records(ledger.groupBy("source", "stage", "reason").agg(F.sum("records").alias("records")))


def balance_ledger(sums: Records) -> Records:
    """Set the stages of each source against each other.

    Returns:
        source, one count per stage, and `balanced`: read = parsed + unparsable and
        parsed = accepted + duplicate + quarantined + excluded.
    """
    totals: dict[str, Record] = {}
    for row in sums:
        balance = totals.setdefault(row["source"], {"source": row["source"], **dict.fromkeys(STAGES, 0)})
        balance[row["stage"]] += row["records"]
    return [{**totals[source], "balanced": _is_balanced(totals[source])} for source in sorted(totals)]


def rank_reasons(sums: Records) -> Records:
    """List why records were rejected or excluded, per source, stage and reason, most frequent first."""
    rejected = [row for row in sums if row["stage"] in {UNPARSABLE, QUARANTINED, EXCLUDED} and row["records"]]
    return sorted(rejected, key=lambda r: (-r["records"], r["source"], r["stage"], r["reason"] or ""))


def list_evaluations(evaluations: DataFrame, cut: date) -> Records:
    """List the figures of a cut: breaches first, then judged ones, then those for information."""
    urgency = F.when(F.col("status") == "breach", 0).when(F.col("status") == "ok", 1).otherwise(2)
    return fetch_records(evaluations.where(F.col("as_of") == F.lit(cut)).orderBy(urgency, "scope", "metric"))


def list_checks(results: DataFrame, cut: date) -> Records:
    """List the verdicts of checks on data at a cut: failures first, then warnings, then what was not judged."""
    order = F.array_position(F.lit(["failed", "warned", "not_judged", "passed"]), F.col("status"))
    of_cut = results.where(F.col("as_of") == F.lit(cut))
    return fetch_records(of_cut.orderBy(order, "check", "source", "day"))


def list_compared_days(comparisons: DataFrame, cut: date) -> Records:
    """Add up the newest comparison of each source with an outside count: source x day, greatest difference first.

    Args:
        comparisons: rows of `count_comparisons`.
        cut: comparisons of later cuts are not used.

    Returns:
        source, counts, as_of, day, cells, equal, events, counted, difference, other_times, settling.
    """
    newest = Window.partitionBy("source")
    known = comparisons.where(F.col("as_of") <= F.lit(cut)).withColumn("_newest", F.max("as_of").over(newest))
    days = (
        known.where("as_of = _newest")
        .groupBy("source", "counts", "as_of", F.col("event_date").alias("day"), "settling")
        .agg(
            F.count(F.lit(1)).alias("cells"),
            F.count_if(F.col("difference") == 0).alias("equal"),
            F.sum("events").alias("events"),
            F.sum("counted").alias("counted"),
            F.sum("difference").alias("difference"),
            F.count_if("other_times").alias("other_times"),
        )
    )
    return fetch_records(days.orderBy("settling", F.abs("difference").desc(), "source", "day"))


def _is_balanced(totals: Record) -> bool:
    verdicts = totals[ACCEPTED] + totals[DUPLICATE] + totals[QUARANTINED] + totals[EXCLUDED]
    return bool(totals[READ] == totals[PARSED] + totals[UNPARSABLE] and totals[PARSED] == verdicts)
