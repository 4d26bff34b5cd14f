"""Describes the features at the cut: distributions, what is missing, what goes together, what changed since."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyspark.sql.types import NumericType

from segmentation.errors import ConfigurationError
from segmentation.evaluation.distributions import INFO, compare, correlate, count_values, describe, sample_users
from segmentation.frames import small_frame
from segmentation.models.inputs import select_cut
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables import FEATURE_CORRELATIONS, FEATURE_STATISTICS, USER_FEATURES
from segmentation.tables.user_features import KEYS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pyspark.sql import DataFrame

READS = (USER_FEATURES,)
WRITES = (FEATURE_STATISTICS, FEATURE_CORRELATIONS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write both tables at the cut; again leaves equal rows.

    Compared is with the newest cut before that `user_features` holds.

    Raises:
        ConfigurationError: `user_features` has no such cut yet.
    """
    as_of, params = ctx.as_of, ctx.config.feature_report
    table = ctx.lake.require(USER_FEATURES, "build_features")
    before = _cut_before(table, as_of)
    keys = {column.name for column in KEYS}
    features = [f.name for f in table.schema if isinstance(f.dataType, NumericType) and f.name not in keys]
    now = _sample(ctx, table, as_of, features)
    earlier = _sample(ctx, table, before, features) if before else pd.DataFrame(columns=features)
    counted = count_values(select_cut(table, as_of=as_of, features=features), features).collect()
    rows = [_statistics(row.asDict(), now, earlier, ctx, before) for row in sorted(counted)]
    pairs = correlate(now.head(params.correlation_users), at_least=params.correlation_at_least)
    correlations = [(one, other, as_of, value, users) for one, other, value, users in pairs]
    for written, found in ((FEATURE_STATISTICS, rows), (FEATURE_CORRELATIONS, correlations)):
        frame = small_frame(ctx.spark, found, written.schema).coalesce(1)
        ctx.lake.replace(written, frame, where=f"as_of = DATE'{as_of}'")
    base = ctx.lake.publications.current().bases.get(USER_FEATURES.name, 0)
    ctx.lake.publish({table.name: base for table in WRITES})
    changed = {row[0]: row[-1] for row in rows if row[-1] not in {INFO, "stable"}}
    return RunReport(
        as_of=as_of, quality={"features": len(rows), "changed": changed, "correlated_pairs": len(correlations)}
    )


def _cut_before(table: DataFrame, as_of: date) -> date | None:
    """Find the cut before.

    Raises:
        ConfigurationError: there is no cut `as_of`.
    """
    cuts = {row["as_of"] for row in table.select("as_of").distinct().collect()}  # a row per cut
    if as_of not in cuts:
        raise ConfigurationError(f"user_features has no cut {as_of}: run jobs/build_features.py --as-of {as_of}")
    return max((cut for cut in cuts if cut < as_of), default=None)


def _sample(ctx: Context, table: DataFrame, cut: date, features: Sequence[str]) -> pd.DataFrame:
    users = select_cut(table, as_of=cut, features=features)
    return sample_users(users, ctx.config.feature_report.sample_users).drop("user_id").toPandas()  # bounded


def _statistics(
    counted: Mapping[str, Any], now: pd.DataFrame, earlier: pd.DataFrame, ctx: Context, before: date | None
) -> tuple[Any, ...]:
    """Put a feature's row together, in the contract's order."""
    name, params = counted["feature"], ctx.config.feature_report
    stability = compare(earlier[name], now[name], params=params)
    row = {
        **counted,
        **describe(now[name], bins=params.bins),
        "as_of": ctx.as_of,
        "sampled": len(now),
        "previous_as_of": before,
        "psi": stability.psi,
        "psi_noise": stability.noise,
        "status": stability.status,
    }
    return tuple(row[column] for column in FEATURE_STATISTICS.names)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
