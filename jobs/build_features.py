"""Computes the features of every user at the cut, and at the earlier cuts that propensity learns from."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import reduce
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from segmentation.increments.cut import tables_at_cut

from segmentation.errors import DataError
from segmentation.features import feature_set_version, user_features_contract
from segmentation.features.build import build_user_features
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables.events import EVENTS
from segmentation.tables.sessions import SESSIONS
from segmentation.tables.user_day_counts import USER_DAY_COUNTS
from segmentation.tables.user_days import USER_DAYS
from segmentation.tables.user_features import USER_FEATURES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

READS = (EVENTS, SESSIONS, USER_DAYS, USER_DAY_COUNTS)
WRITES = (USER_FEATURES,)
REBUILD = "python jobs/build_features.py --rebuild"


@dataclass(frozen=True)
class Span:
    """What `events` covers: days, and the microseconds (UTC) at which the first and last event were known."""

    first_day: date
    last_day: date
    first_known: int
    last_known: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the job's own options."""
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="replace all cuts by those of this run, under the present parameters",
    )


def run(ctx: Context) -> RunReport:
    """Write `user_features` at the cut and at the earlier cuts of propensity; again leaves equal rows.

    Raises:
        DataError: nothing had happened and been received before the cut.
        ConfigurationError: `user_features` was built under other parameters, and --rebuild is not given.
    """
    as_of, span = ctx.as_of, _read_span(ctx)
    if span.first_known >= _midnight(ctx, as_of):
        raise DataError(
            f"no event was known before {as_of}: choose a later --as-of (events begin {span.first_day})"
        )
    cuts = (*ctx.config.propensity.feature_cuts(as_of, span.first_day, span.last_day), as_of)
    features = reduce(DataFrame.unionByName, (_features_at(ctx, cut, span) for cut in cuts))
    table = user_features_contract(ctx.config.features)
    if ctx.options.get("rebuild"):
        ctx.lake.replace(table, features)
        ctx.lake.set_parameters(table, _fingerprints(ctx))
    else:
        ctx.lake.check_parameters(table, _fingerprints(ctx), REBUILD)
        days = ", ".join(f"DATE'{cut}'" for cut in cuts)
        ctx.lake.replace(table, features, where=f"as_of IN ({days})")
    ctx.lake.publish({table.name: ctx.lake.version(EVENTS) or 0})
    users = ctx.lake.read(table).where(F.col("as_of").isin(*cuts)).groupBy("as_of").count().orderBy("as_of")
    counts = {str(row["as_of"]): row["count"] for row in users.collect()}
    return RunReport(
        as_of=as_of, quality={"users": counts, "features": len(table.columns) - len(USER_FEATURES.columns)}
    )


def _features_at(ctx: Context, cut: date, span: Span) -> DataFrame:
    """Take the stored tables where they know nothing beyond the cut; else recompute them from events."""
    params = ctx.config
    if span.last_known < _midnight(ctx, cut):
        inputs = tuple(
            ctx.lake.require(table, "ingest_events") for table in (USER_DAYS, USER_DAY_COUNTS, SESSIONS)
        )
    else:
        past = tables_at_cut(
            ctx.lake.read(EVENTS), as_of=cut, workspace=params.workspace, sessions=params.sessions
        )
        inputs = (past.user_days, past.user_day_counts, past.sessions)
    return build_user_features(*inputs, as_of=cut, params=params.features)


def _read_span(ctx: Context) -> Span:
    known = F.unix_micros(F.greatest("event_at", "received_at"))
    bounds = (F.min("event_date"), F.max("event_date"), F.min(known), F.max(known))
    row = ctx.lake.require(EVENTS, "ingest_events").agg(*bounds).head()
    if row is None or row[0] is None:
        raise DataError("table 'events' is empty: every record was rejected; see table 'quarantine'")
    return Span(*row)


def _midnight(ctx: Context, day: date) -> int:
    """Return a day's first instant in the reporting zone, in microseconds."""
    return (
        int(datetime.combine(day, time(), ZoneInfo(ctx.config.workspace.time_zone)).timestamp()) * 1_000_000
    )


def _fingerprints(ctx: Context) -> dict[str, str]:
    return {
        "features": feature_set_version(ctx.config.features),
        "sessions": ctx.config.sessions.fingerprint,
        "workspace": ctx.config.workspace.fingerprint,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
