"""Judge purchases and refunds: which ones of an order count, and their revenue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.event_order import in_order, newest_first
from segmentation.tables.events import JUDGED, LATEST_PURCHASE, PURCHASE_LINE, REFUND
from segmentation.tables.table import MONEY

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ORDER_KEY = ("source", "order_id")


def judge_alone(events: DataFrame) -> DataFrame:
    """Fill the columns JUDGED of every event as if no other event had its order.

    Grain: an event in and out. A purchase counts with its value, a refund takes its amount away whatever its sign; an
    unknown amount stays unknown. All other events have no revenue, whatever their value is.
    """
    unknown = F.lit(None)
    return _filled(events, chosen=F.lit(True), repeated=F.lit(False), rest=unknown, rest_currency=unknown)


def judge_orders(events: DataFrame, *apart: str) -> DataFrame:
    """Fill the columns JUDGED of purchases and refunds, judging all events of an order together.

    The first of an order's purchases by ORDER counts; of latest purchases the last; of purchase lines every one adds
    revenue, and the first counts as the purchase. The others are repeated. A refund id counts once. A refund without
    an amount cancels what earlier refunds of its order left of it. Its revenue is unknown if a part of the order's
    value is unknown, or if its parts have several currencies.

    Grain: an event with `order_id` and `transaction_kind` in and out; all known events of an order are given.
    `apart`: columns that tell orders apart beside ORDER_KEY.
    """
    of_order = Window.partitionBy(*ORDER_KEY, *apart)
    alike = Window.partitionBy(*ORDER_KEY, *apart, "_is_purchase", F.when(~F.col("_is_purchase"), F.col("refund_id")))
    first = F.row_number().over(alike.orderBy(*in_order())) == 1
    last = F.row_number().over(alike.orderBy(*newest_first())) == 1
    purchase, kind, chosen = F.col("_is_purchase"), F.col("transaction_kind"), F.col("_chosen")
    placed = events.select("*", _is_purchase().alias("_is_purchase")).select(
        "*", F.when(kind == LATEST_PURCHASE, last).otherwise(first).alias("_chosen")
    )
    alone = F.when(purchase, kind == PURCHASE_LINE).otherwise(F.col("refund_id").isNull())
    judged = placed.select("*", (~chosen & ~alone).alias("_repeated"))
    counts, of_unknown = ~F.col("_repeated"), F.col("value").isNull()
    paid, refunded = purchase & counts, ~purchase & counts
    so_far = of_order.orderBy(*in_order()).rowsBetween(Window.unboundedPreceding, -1)
    spelled = F.when(paid | (refunded & ~of_unknown), F.coalesce("currency", F.lit("")))
    summed = judged.select(
        "*",
        F.sum(F.when(paid, F.col("value"))).over(of_order).alias("_paid"),
        F.max(paid & of_unknown).over(of_order).alias("_unknown"),
        (F.min(spelled).over(of_order) == F.max(spelled).over(of_order)).alias("_one_currency"),
        F.nullif(F.min(spelled).over(of_order), F.lit("")).alias("_currency"),
        F.coalesce(F.sum(F.when(refunded, F.abs("value"))).over(so_far), F.lit(0)).alias("_refunded"),
        F.coalesce(F.max(refunded & of_unknown).over(so_far), F.lit(False)).alias("_all_refunded"),
    )
    left = F.greatest(F.col("_paid") - F.col("_refunded"), F.lit(0))
    known = F.col("_paid").isNotNull() & ~F.col("_unknown") & F.col("_one_currency")
    return _filled(
        summed,
        chosen=chosen,
        repeated=F.col("_repeated"),
        rest=F.when(known, F.when(F.col("_all_refunded"), F.lit(0)).otherwise(left)),
        rest_currency=F.col("_currency"),
    ).select(*events.columns)


def is_of_order() -> Column:
    """Return whether an event is judged together with the others of its order."""
    return F.col("order_id").isNotNull() & F.col("transaction_kind").isNotNull()


def judge_all(events: DataFrame, *apart: str) -> DataFrame:
    """Judge all events that are known, each order by its events alone.

    Grain: an event in and out, the columns JUDGED computed anew. `apart`: columns that tell orders apart beside
    ORDER_KEY, where events of several cuts are in one frame.
    """
    return judge_alone(events.where(~is_of_order())).unionByName(judge_orders(events.where(is_of_order()), *apart))


def _is_purchase() -> Column:
    return F.coalesce(F.col("transaction_kind") != REFUND, F.lit(False))


def _filled(events: DataFrame, *, chosen: Column, repeated: Column, rest: Column, rest_currency: Column) -> DataFrame:
    """Fill the columns JUDGED.

    Args:
        events: any events.
        chosen: whether a purchase is the one of its order that is counted.
        repeated: whether an event is a repetition, without revenue.
        rest: amount of a refund that has none; null: unknown.
        rest_currency: currency of that.
    """
    is_refund, of_unknown = F.col("transaction_kind") == REFUND, F.col("value").isNull()
    amount = F.when(_is_purchase(), F.col("value")).when(is_refund, -F.coalesce(F.abs("value"), rest))
    revenue = F.when(~repeated, amount).cast(MONEY)
    currency = F.when(is_refund & of_unknown, rest_currency).otherwise(F.col("currency"))
    values = (_is_purchase() & chosen, repeated, revenue, F.when(revenue.isNotNull(), currency))
    filled = {name: value.alias(name) for name, value in zip(JUDGED, values, strict=True)}
    return events.select(*(filled.get(name, F.col(name)) for name in events.columns))
