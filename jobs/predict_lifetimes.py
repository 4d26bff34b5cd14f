"""Fits the models of customer lifetime at the cut: who is still there, and what they will buy."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, DataError
from segmentation.frames import conform, small_frame
from segmentation.models.inputs import arrange
from segmentation.models.lifetime import (
    AGE,
    FREQUENCY,
    Buying,
    Spending,
    count_histories,
    fit_buying,
    fit_spending,
    predict_lifetimes,
)
from segmentation.parameters import fingerprint_of
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables import LIFETIME_FITS, USER_FEATURES, USER_LIFETIMES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd
    from pyspark.sql import DataFrame

READS = (USER_FEATURES,)
WRITES = (USER_LIFETIMES, LIFETIME_FITS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write both tables at the cut; again leaves equal rows.

    Raises:
        ConfigurationError: `user_features` has no such cut yet.
        DataError: too few customers came back to tell anything.
    """
    as_of, params = ctx.as_of, ctx.config.lifetimes
    table = ctx.lake.require(USER_FEATURES, "build_features")
    cuts = {row["as_of"] for row in table.select("as_of").distinct().collect()}  # a row per cut
    if as_of not in cuts:
        raise ConfigurationError(f"user_features has no cut {as_of}: run jobs/build_features.py --as-of {as_of}")
    users = table.where(F.col("as_of") == F.lit(as_of))
    buying, spending, notes = _fit(ctx, users)
    row = _describe(ctx, buying, spending)
    earlier = max((cut for cut in cuts if cut <= as_of - timedelta(days=params.check_days)), default=None)
    if earlier is not None:
        row |= _check(ctx, table, earlier)
    predicted = predict_lifetimes(
        users, buying=buying, spending=spending, horizon_days=params.horizon_days, unit_days=params.unit_days
    )
    complete = predicted.select(
        "*",
        F.lit(as_of).alias("as_of"),
        F.lit(params.horizon_days).cast("bigint").alias("horizon_days"),
        F.lit(row["fit_version"]).alias("fit_version"),
    )
    fits = small_frame(ctx.spark, [tuple(row.get(name) for name in LIFETIME_FITS.names)], LIFETIME_FITS.schema)
    for written, frame in ((USER_LIFETIMES, conform(complete, USER_LIFETIMES)), (LIFETIME_FITS, fits)):
        ctx.lake.replace(written, frame, where=f"as_of = DATE'{as_of}'")
    base = ctx.lake.publications.current().bases.get(USER_FEATURES.name, 0)
    ctx.lake.publish({table.name: base for table in WRITES})
    return RunReport(as_of=as_of, quality={key: row[key] for key in row if key != "as_of"}, notes=notes)


def _fit(ctx: Context, users: DataFrame) -> tuple[Buying, Spending | None, list[str]]:
    """Fit both models; where values tell too little, only the first, with a note."""
    params = ctx.config.lifetimes
    histories: pd.DataFrame = count_histories(users, most=params.most_customers).toPandas()  # bounded
    histories = histories.sort_values(["x", "t_x", "age", "m"])  # sums of reals are those of one order
    buying = fit_buying(histories, unit_days=params.unit_days)
    left_out = int(histories[(histories["x"] > 0) & histories["m"].isna()]["n"].sum())
    told = f"not in the model of values, having no repeat purchase of a known value above 0: {left_out} customers"
    notes = [told] if left_out else []
    try:
        return buying, fit_spending(histories), notes
    except DataError as error:
        return buying, None, [f"no expected values: {error}", *notes]


def _describe(ctx: Context, buying: Buying, spending: Spending | None) -> dict[str, Any]:
    fitted: dict[str, Any] = buying._asdict()
    row = {
        **{name: fitted[name] for name in ("r", "alpha", "a", "b")},
        "buying_log_likelihood": buying.log_likelihood,
        "buying_customers": buying.customers,
        "unit_days": ctx.config.lifetimes.unit_days,
        "as_of": ctx.as_of,
    }
    if spending is not None:
        row |= {"p": spending.p, "q": spending.q, "v": spending.v}
        row |= {"spending_log_likelihood": spending.log_likelihood, "spending_customers": spending.customers}
    return {**row, "fit_version": fingerprint_of([buying, spending, ctx.config.lifetimes.unit_days])}


def _check(ctx: Context, table: DataFrame, earlier: date) -> dict[str, Any]:
    """Fit at an earlier cut, and compare what it expects with the days with a purchase that came until this one."""
    params, days = ctx.config.lifetimes, (ctx.as_of - earlier).days
    users = table.where((F.col("as_of") == F.lit(earlier)) & F.col(AGE).isNotNull())
    try:
        buying, _, _ = _fit(ctx, users)
    except DataError:
        return {}  # there were too few customers at that time, which the nulls say
    before = users.select("user_id", F.col(FREQUENCY).alias("before"), F.col(AGE).alias("age"))
    since = table.where(F.col("as_of") == F.lit(ctx.as_of)).select("user_id", F.col(FREQUENCY).alias("after"))
    predicted = predict_lifetimes(users, buying=buying, spending=None, horizon_days=days, unit_days=params.unit_days)
    compared = arrange(predicted.join(before, "user_id").join(since, "user_id"), partitions=1)
    actual = F.col("after") - F.col("before")
    naive = F.col("before") / F.greatest("age", F.lit(1)) * days
    row = compared.agg(
        F.sum("expected_purchases").alias("checked_expected"),
        F.sum(actual).alias("checked_actual"),
        F.avg(F.abs(F.col("expected_purchases") - actual)).alias("checked_mae"),
        F.avg(F.abs(naive - actual)).alias("naive_mae"),
    ).head()
    return {"checked_as_of": earlier, **(row.asDict() if row else {})}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
