"""Summarise the results of a pipeline run in a few lines, with the commands that show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame


def summarise(ledger: Mapping[str, Any], profiles: DataFrame, lake: str) -> list[str]:
    """Write the lines shown at the end of a pipeline run.

    Args:
        ledger: records per stage and per reason.
        profiles: the cut's rows of `segment_profiles` (a row per segment).
        lake: root of the lake.
    """
    kept = (
        f"{ledger.get('read', 0):,} records read = {ledger.get('accepted', 0):,} accepted"
        f" + {ledger.get('duplicate', 0):,} duplicates + {ledger.get('quarantined', 0):,} quarantined"
        f" + {ledger.get('unparsable', 0):,} unparsable"
        + (f" + {ledger['excluded']:,} excluded" if ledger.get("excluded") else "")
    )
    rows = profiles.select("segment_name", "users", "share").orderBy(profiles["users"].desc(), "segment_id").collect()
    segments = [f"  {row['users']:>8,} users  {row['share']:>6.1%}  {row['segment_name']}" for row in rows]
    return [
        "",
        kept,
        *(f"  {count:>8,} {reason}" for reason, count in ledger.get("reasons", {}).items()),
        f"{len(rows)} segments",
        *segments,
        "",
        f"review        {lake}/review/index.html      make review LAKE={lake}",
        f"models        {lake}/mlflow.db              make mlflow LAKE={lake}",
        f"tables        {lake}/<table>                spark.read.format('delta').load('{lake}/segment_assignments')",
    ]
