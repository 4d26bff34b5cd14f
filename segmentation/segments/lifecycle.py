"""Users by period: new, returning, resurrecting and dormant, and how long cohorts stay.

The definitions are PostHog's (Lifecycle; Retention with "first time" cohorts): somebody is active in a period with any
event in it, and every active user of a period is exactly one of new, returning and resurrecting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.statistics import wilson_bounds
from segmentation.tables import LIFECYCLE, RETENTION

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.segments.params import LifecycleParams

DAY, WEEK, MONTH = "day", "week", "month"
KINDS = NEW, RETURNING, RESURRECTING, DORMANT = "new", "returning", "resurrecting", "dormant"
FIRST_MONDAY = "1970-01-05"


def find_active_periods(user_days: DataFrame, *, as_of: date) -> DataFrame:
    """Find the periods in which users were active.

    Grain: a user's day -> user_id x granularity x number of the period (consecutive), of days before the cut, with the
    number of the active period before and after (null: none), and of the first.
    """
    before = user_days.where((F.col("event_date") < F.lit(as_of)) & (F.col("events") > 0))
    numbers = F.array(
        *(F.struct(F.lit(g).alias("granularity"), n.alias("number")) for g, n in _numbers(F.col("event_date")))
    )
    active = before.select("user_id", F.inline(numbers)).distinct()
    order = Window.partitionBy("user_id", "granularity").orderBy("number")
    return active.select(
        "*",
        F.lag("number").over(order).alias("before"),
        F.lead("number").over(order).alias("after"),
        F.min("number").over(Window.partitionBy("user_id", "granularity")).alias("first"),
    )


def build_lifecycle(active: DataFrame, *, as_of: date) -> DataFrame:
    """Count users by what they are in every period.

    Grain: of :func:`find_active_periods` -> a row of `lifecycle`. Periods up to that of the last day before the cut.
    """
    followed = F.col("before") == F.col("number") - 1
    here = F.struct(
        F.col("number").alias("at"),
        F.when(F.col("before").isNull(), NEW).when(followed, RETURNING).otherwise(RESURRECTING).alias("kind"),
    )
    leaves = F.col("after").isNull() | (F.col("after") > F.col("number") + 1)
    gone = F.struct((F.col("number") + 1).alias("at"), F.lit(DORMANT).alias("kind"))
    kinds = F.filter(F.array(here, F.when(leaves, gone)), lambda kind: kind.isNotNull())
    counted = (
        active.select("granularity", F.inline(kinds))
        .where(F.col("at") <= _last_number(as_of))
        .groupBy("granularity", "at")
        .agg(*(F.count_if(F.col("kind") == kind).alias(kind) for kind in KINDS))
    )
    return conform(
        counted.select(
            "*", _start("at").alias("period"), F.lit(as_of).alias("as_of"), _ended("at", as_of).alias("complete")
        ),
        LIFECYCLE,
    )


def build_retention(active: DataFrame, *, as_of: date, params: LifecycleParams) -> DataFrame:
    """Count how many of each cohort were active so many periods later, 0 where nobody was.

    Grain: of :func:`find_active_periods` -> a row of `retention`.
    """
    limits = {DAY: params.retention_days, WEEK: params.retention_weeks, MONTH: params.retention_months}
    limit = F.create_map(*(F.lit(x) for pair in limits.items() for x in pair))[F.col("granularity")]
    wanted = active.where(F.col("granularity").isin([name for name, most in limits.items() if most > 0]))
    later = (F.col("number") - F.col("first")).alias("periods_later")
    counted = wanted.groupBy("granularity", "first", later).agg(F.count(F.lit(1)).alias("active"))
    sizes = counted.where(F.col("periods_later") == 0).withColumnRenamed("active", "users").drop("periods_later")
    until = F.least(limit, _last_number(as_of) - F.col("first"))
    numbers = F.sequence(F.lit(0).cast("bigint"), until.cast("bigint"))
    grid = sizes.select("*", F.explode(numbers).alias("periods_later"))
    filled = grid.join(counted, ["granularity", "first", "periods_later"], "left").fillna(0, ["active"])
    lower, upper = wilson_bounds(F.col("active"), F.col("users"))
    at = F.col("first") + F.col("periods_later")
    rows = filled.select("*", at.alias("at")).select(
        "*",
        _start("first").alias("cohort"),
        F.lit(as_of).alias("as_of"),
        (F.col("active") / F.col("users")).alias("share"),
        lower.alias("share_lower"),
        upper.alias("share_upper"),
        _ended("at", as_of).alias("complete"),
    )
    return conform(rows, RETENTION)


def _numbers(day: Column) -> list[tuple[str, Column]]:
    """Number the periods of a day, so that the next one has the next number."""
    weeks = F.floor(F.datediff(day, F.lit(FIRST_MONDAY).cast("date")) / 7)
    months = F.year(day) * 12 + F.month(day) - 1
    return [
        (DAY, F.unix_date(day).cast("bigint")),
        (WEEK, weeks.cast("bigint")),
        (MONTH, months.cast("bigint")),
    ]


def _last_number(as_of: date) -> Column:
    """Number of the period of the last day before the cut."""
    last = F.date_sub(F.lit(as_of), 1)
    days, weeks, months = (number for _, number in _numbers(last))
    granularity = F.col("granularity")
    return F.when(granularity == DAY, days).when(granularity == WEEK, weeks).otherwise(months)


def _start(number: str) -> Column:
    """First day of a period."""
    return _first_day(F.col(number))


def _ended(number: str, as_of: date) -> Column:
    """Tell whether a period had ended at the cut."""
    return _first_day(F.col(number) + 1) <= F.lit(as_of)


def _first_day(n: Column) -> Column:
    granularity, whole = F.col("granularity"), n.cast("int")
    week = F.date_add(F.lit(FIRST_MONDAY).cast("date"), whole * 7)
    month = F.make_date(F.floor(n / 12).cast("int"), (n % 12 + 1).cast("int"), F.lit(1))
    return F.when(granularity == DAY, F.date_from_unix_date(whole)).when(granularity == WEEK, week).otherwise(month)
