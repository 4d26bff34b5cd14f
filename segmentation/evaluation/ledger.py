"""Whether the ingest ledger adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.evaluation.figures import Figure
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
    from pyspark.sql import DataFrame

    from segmentation.evaluation.params import EvaluationParams

LEDGER_IMBALANCE = "ledger_imbalance"
EVENTS_DIFFERENCE = "ledger_events_difference"
QUARANTINED_SHARE = "quarantined_share"


def reconcile_ledger(ledger: DataFrame, events: DataFrame, *, params: EvaluationParams) -> list[Figure]:
    """Compare, per source, what was read with what became of it, and what was accepted with what is there.

    Grain: a ledger row, and an event -> figures per source. The imbalance adds up the absolute differences of each
    batch (read against parsed + unparsable, parsed against accepted + duplicate + quarantined + excluded), so that one
    batch cannot make up for another. Only one row per source reaches the driver.
    """
    stages = [F.sum(F.when(F.col("stage") == s, F.col("records")).otherwise(0)).alias(s) for s in STAGES]
    batches = ledger.groupBy("source", "unit_id").agg(*stages)
    imbalance = F.abs(F.col(READ) - F.col(PARSED) - F.col(UNPARSABLE)) + F.abs(
        F.col(PARSED) - F.col(ACCEPTED) - F.col(DUPLICATE) - F.col(QUARANTINED) - F.col(EXCLUDED)
    )
    sources = batches.groupBy("source").agg(
        F.sum(imbalance).alias(LEDGER_IMBALANCE), *(F.sum(stage).alias(stage) for stage in STAGES)
    )
    stored = events.groupBy("source").agg(F.count(F.lit(1)).alias("events"))
    rows = sources.join(stored, "source", "left").orderBy("source").collect()
    return [figure for row in rows for figure in _source_figures(row.asDict(), params)]


def _source_figures(row: dict[str, object], params: EvaluationParams) -> list[Figure]:
    scope = f"ingest:{row['source']}"
    count = {name: float(str(row[name] or 0)) for name in (*STAGES, LEDGER_IMBALANCE, "events")}
    rejected, meant = count[UNPARSABLE] + count[QUARANTINED], count[READ] - count[EXCLUDED]
    return [
        Figure(
            LEDGER_IMBALANCE,
            scope,
            count[LEDGER_IMBALANCE],
            "records: sum over batches of |read - parsed - unparsable| "
            "+ |parsed - accepted - duplicate - quarantined - excluded|",
            at_most=0.0,
        ),
        Figure(
            EVENTS_DIFFERENCE,
            scope,
            abs(count[ACCEPTED] - count["events"]),
            "records: |accepted - rows of events|",
            at_most=0.0,
        ),
        Figure(
            QUARANTINED_SHARE,
            scope,
            rejected / meant if meant else None,
            "(unparsable + quarantined) / (read - excluded)",
            at_most=params.quarantined_share_max,
        ),
        *(Figure(f"records_{stage}", scope, count[stage], "records, from the ingest ledger") for stage in STAGES),
    ]
