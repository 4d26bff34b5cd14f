"""What events and sessions add to a user's day, or take from it: exact sums, signed as their events are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.frames import conform, union_all
from segmentation.sessions.money import reporting_value
from segmentation.sessions.sessionise import SIGN
from segmentation.tables import EXIT, START, USER_DAY_COUNTS, USER_DAYS
from segmentation.tables import user_day_counts as dimensions

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.tables import Table


CONTEXT = (SIGN, "user_id", "event_date", "platform", "channel", "hour")


class Complete(NamedTuple):
    """Complete sessions: their events, laid out by `sessionise`, and two summaries of them."""

    events: DataFrame
    contexts: DataFrame
    sessions: DataFrame


def sum_contexts(laid_out: DataFrame, *, workspace: WorkspaceParams) -> DataFrame:
    """Sum events by sign, user, day, platform, channel, hour: few rows, of which both tables of a user's day are made.

    Grain: events laid out by `sessionise` in; CONTEXT out, with the event measures of `user_days`, null where there
    is nothing to sum.
    """
    value = reporting_value(workspace)
    purchase = F.col("event_name").isin(*workspace.conversion_events)
    hour = F.hour(F.from_utc_timestamp("event_at", workspace.time_zone)).alias("hour")
    return laid_out.groupBy(*CONTEXT[:-1], hour).agg(
        F.count(F.lit(1)).alias("events"),
        F.sum(purchase.cast("bigint")).alias("purchases"),
        F.sum(value).alias("value"),
        F.sum(F.when(purchase, value)).alias("purchase_value"),
        F.sum((F.col("value").isNotNull() & value.isNull()).cast("bigint")).alias("no_rate"),
        F.sum("gap_s").alias("gap_s_sum"),
        F.sum(F.col("gap_s") * F.col("gap_s")).alias("gap_s2_sum"),
    )


def build_user_days(of: Complete) -> DataFrame:
    """Sum events by their day and sessions by the day they started.

    Grain: complete sessions in; a user's day out: its sums or, where events of both signs are given, their change.
    Money in the reporting currency; values without a rate are counted in no_rate. Capped sessions count as sessions and
    add no duration.
    """
    return sum_by_key([_event_sums(of.contexts), _session_sums(of.sessions)], USER_DAYS)


def build_user_day_counts(of: Complete, *, days: DataFrame | None = None, how: str = "left_semi") -> DataFrame:
    """Count event names, platforms, channels, hours and transitions of a user's day.

    Grain: complete sessions in; user x day x dimension x item out. Transitions carry the session's day and the
    platform of its first event; each session has one START and one EXIT. Where events of both signs are given, `n` is
    their change, 0 where there is none.

    Args:
        of: the sessions.
        days: users' days (user_id, event_date; few) to count alone (`left_semi`) or to leave out (`left_anti`).
        how: which of the two.
    """

    def of_days(counted: DataFrame) -> DataFrame:
        return counted if days is None else counted.join(days, ["user_id", "event_date"], how)

    steps, exits = _count_steps(of.events), _count_exits(of.sessions)
    counted = (_count_names(of.events), _count_contexts(of.contexts), steps, exits)
    return union_all(conform(of_days(counts), USER_DAY_COUNTS) for counts in counted)


def _count_names(laid_out: DataFrame) -> DataFrame:
    counts = laid_out.groupBy("user_id", "event_date", F.col("event_name").alias("item")).agg(_signed_rows())
    return counts.select("*", F.lit(dimensions.EVENT_NAME).alias("dimension"))


def _count_contexts(contexts: DataFrame) -> DataFrame:
    of = {
        dimensions.PLATFORM: F.col("platform"),
        dimensions.CHANNEL: F.col("channel"),
        dimensions.HOUR: F.lpad(F.col("hour").cast("string"), 2, "0"),
    }
    pairs = F.array(*(F.struct(F.lit(name).alias("dimension"), item.alias("item")) for name, item in of.items()))
    of_contexts = contexts.select("user_id", "event_date", F.inline(pairs), _signed("events").alias("n"))
    items = of_contexts.where(F.col("item").isNotNull())
    return items.groupBy("user_id", "event_date", "dimension", "item").agg(F.sum("n").alias("n"))


def _count_steps(laid_out: DataFrame) -> DataFrame:
    """Count transitions into an event. The texts are put together once they are counted."""
    day, platform = F.col("session_date").alias("event_date"), F.col("session_platform").alias("platform")
    before = F.coalesce("previous_state", F.lit(START)).alias("before")
    counts = laid_out.groupBy("user_id", day, platform, before, "state").agg(_signed_rows())
    return _as_transitions(counts, "platform", "before", "state")


def _count_exits(sessions: DataFrame) -> DataFrame:
    """Count sessions by the state that they end in; no state is called EXIT."""
    day = F.col("session_date").alias("event_date")
    counts = sessions.groupBy("user_id", day, "platform", "exit_state").agg(_signed_rows())
    return _as_transitions(counts, "platform", "exit_state", F.lit(EXIT))


def _as_transitions(counts: DataFrame, *parts: str | Column) -> DataFrame:
    item = F.concat_ws(dimensions.STEP_SEPARATOR, *parts).alias("item")
    return counts.select("user_id", "event_date", item, "n", F.lit(dimensions.TRANSITION).alias("dimension"))


def _signed_rows() -> Column:
    return F.sum(SIGN).alias("n")


def _signed(measure: str) -> Column:
    return F.when(F.col(SIGN) > 0, F.col(measure)).otherwise(-F.col(measure))


def sum_by_key(parts: list[DataFrame], table: Table) -> DataFrame:
    """Sum the measures of frames that fit the table, one row per key each, by its key."""
    if len(parts) == 1:
        return conform(parts[0], table)
    whole = union_all(parts)
    types = {column.name: column.type for column in table.columns}
    sums = [F.sum(name).cast(types[name]).alias(name) for name in table.measures]
    return conform(whole.groupBy(*table.key).agg(*sums), table)


def _event_sums(contexts: DataFrame) -> DataFrame:
    measures = [name for name in contexts.columns if name not in CONTEXT]
    sums = (F.sum(_signed(name)).alias(name) for name in measures)
    return _completed(contexts.groupBy("user_id", "event_date").agg(*sums))


def _session_sums(sessions: DataFrame) -> DataFrame:
    counted = ~F.col("capped")
    sums = sessions.groupBy("user_id", F.col("session_date").alias("event_date")).agg(
        F.sum(SIGN).alias("sessions"),
        F.sum(F.when(counted, _signed("duration_ms"))).alias("duration_ms"),
        F.sum(F.when(counted, _signed("engaged_ms"))).alias("engaged_ms"),
        F.sum(F.when(F.col("duration_ms").isNull(), F.col(SIGN))).alias("sessions_without_duration"),
    )
    return _completed(sums)


def _completed(sums: DataFrame) -> DataFrame:
    """Give a frame all measures of a user's day: 0 where it has none."""

    def measure(name: str, kind: object) -> Column:
        given = F.coalesce(F.col(name), F.lit(0)) if name in sums.columns else F.lit(0)
        return given.cast(kind).alias(name)  # type: ignore[arg-type]

    types = {column.name: column.type for column in USER_DAYS.columns}
    return sums.select(*USER_DAYS.key, *(measure(name, types[name]) for name in USER_DAYS.measures))
