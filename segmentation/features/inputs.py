"""The inputs of the features as their expressions see them: one row per cut and user's day, item, session, attempt."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import Window as Over
from pyspark.sql import functions as F

from segmentation.features.feature import DAYS_AGO, windows_of
from segmentation.frames import union_all
from segmentation.tables import STEP_SEPARATOR
from segmentation.tables.items import TRANSITION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import DataFrame

    from segmentation.features.params import FeatureParams

ATTEMPTS = "attempts"
"""Input of the furthest attempts in funnels, see `sequences.habits.list_attempts`."""
LOOPS = "loops"
"""Input of steps that go back, see `sequences.habits.count_loops`."""
PROPERTY_DAYS = "property_days"
"""Input of numeric properties, see `sessions.property_days.sum_properties`."""
TRAITS = "traits"
"""Input of the values of traits at the cut: a user's trait that has a value, with `trait` and `value`."""
AS_OF = "as_of"
USER_AT_CUT = (AS_OF, "user_id")
Cuts = date | tuple[date, ...]
"""One cut, or several whose rows are in one frame: its column `as_of` names the cut of each row."""
PLATFORM = "platform"
PLATFORM_OF_STEP = f"^[^{STEP_SEPARATOR}]*{STEP_SEPARATOR}"


def view_days(user_days: Mapping[Cuts, DataFrame]) -> DataFrame:
    """Add to each user's day how long before the cut it was.

    Grain: a user's day, by cut -> a cut's user's day before it. `days_ago` counts from the day to the cut (1 =
    the last day), `previous_days_ago` is that of the user's active day before (null: the first).
    """
    order = Over.partitionBy(*USER_AT_CUT).orderBy("event_date")
    return _before(user_days, "event_date").withColumn("previous_days_ago", F.lag(DAYS_AGO).over(order))


def view_items(item_counts: Mapping[Cuts, DataFrame], *, params: FeatureParams) -> DataFrame:
    """Sum each user's counts per item over the windows, before the cut.

    Grain: a user's day x dimension x item, by cut -> cut x user x dimension x item, with `n_<window>` and
    `n_in_a_day_max`. Transitions are summed over platforms: the item loses its first part.
    """
    of_all_platforms = F.regexp_replace("item", PLATFORM_OF_STEP, "")
    item = F.when(F.col("dimension") == TRANSITION, of_all_platforms).otherwise(F.col("item"))
    sums = [F.sum(F.when(F.expr(w.holds()), F.col("n")).otherwise(0)).alias(f"n_{w}") for w in windows_of(params)]
    most = F.max("n").alias("n_in_a_day_max")
    items = _before(item_counts, "event_date").groupBy(*USER_AT_CUT, "dimension", item.alias("item"))
    return items.agg(*sums, most)


def view_sessions(sessions: Mapping[Cuts, DataFrame]) -> DataFrame:
    """Give each session a duration: the observed one, or its platform's median at the cut.

    Grain: a session, by cut -> a cut's session begun before it, without capped ones (they are no part of
    duration statistics). `duration_ms` stays null where no session of the platform has a known duration.
    """
    begun = _before(sessions, "session_date").where(~F.col("capped"))
    medians = median_durations(begun, AS_OF, PLATFORM)
    imputed = F.coalesce(F.col("duration_ms"), F.col("median_duration_s") * 1000)
    return begun.join(F.broadcast(medians), [AS_OF, PLATFORM], "left").withColumn("duration_ms", imputed)


def view_attempts(attempts: Mapping[Cuts, DataFrame]) -> DataFrame:
    """Add to each user's furthest attempts how long before the cut they began: `days_ago`.

    Grain: user x funnel x depth (started_date), by cut -> a cut's user x funnel x depth begun before it.
    """
    return _before(attempts, "started_date")


def view_loops(loops: Mapping[Cuts, DataFrame]) -> DataFrame:
    """Add to each user's day of counted steps how long before the cut it was: `days_ago`.

    Grain: user x session_date, by cut -> a cut's user x session_date before it.
    """
    return _before(loops, "session_date")


def view_properties(property_days: Mapping[Cuts, DataFrame]) -> DataFrame:
    """Add to each user's day of a property how long before the cut it was: `days_ago`.

    Grain: user's day x property, by cut -> a cut's user's day x property before it.
    """
    return _before(property_days, "event_date")


def median_durations(sessions: DataFrame, *by: str) -> DataFrame:
    """Return the median session duration per platform, or per what is given.

    Grain: a session -> a platform with at least one known duration. Read from a histogram in whole seconds (a
    duration counts in the second it falls in, rounded down), which adds over any parts of the sessions. Of
    the two middle values of an even number the lower one is taken. `sessions` of the result says how many
    durations it rests on.

    Args:
        sessions: rows of `sessions` up to the cut, capped ones left out.
        by: columns to tell apart.
    """
    by = by or (PLATFORM,)
    histogram = (
        sessions.where(F.col("duration_ms").isNotNull())
        .groupBy(*by, F.floor(F.col("duration_ms") / 1000).cast("bigint").alias("second"))
        .agg(F.count("*").alias("sessions"))
    )
    whole = Over.partitionBy(*by)
    up_to = whole.orderBy("second").rowsBetween(Over.unboundedPreceding, Over.currentRow)
    cumulated = histogram.select(
        *by,
        "second",
        "sessions",
        F.sum("sessions").over(up_to).alias("up_to"),
        F.sum("sessions").over(whole).alias("all"),
    )
    return cumulated.groupBy(*by).agg(
        F.min(F.when(F.col("up_to") * 2 >= F.col("all"), F.col("second"))).alias("median_duration_s"),
        F.max("all").alias("sessions"),
    )


def view_traits(traits: Mapping[Cuts, DataFrame]) -> DataFrame:
    """Add the cut to the values of traits.

    Grain: a user's trait that has a value, by cut -> the same at a cut.
    """
    return union_all(_at_cuts(traits))


def _at_cuts(tables: Mapping[Cuts, DataFrame]) -> Iterator[DataFrame]:
    return (df.withColumn(AS_OF, F.lit(cut)) if isinstance(cut, date) else df for cut, df in tables.items())


def _before(tables: Mapping[Cuts, DataFrame], day: str) -> DataFrame:
    """Union the tables of all cuts: of each the rows of days before its cut, with the distance to it."""
    return union_all(_at_cuts(tables)).where(F.col(day) < F.col(AS_OF)).withColumn(DAYS_AGO, F.datediff(AS_OF, day))
