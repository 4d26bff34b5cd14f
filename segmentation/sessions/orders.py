"""Judge purchases and refunds: which ones of an order count, and their revenue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.event_order import in_order, newest_first
from segmentation.tables.events import JUDGED, LATEST_PURCHASE, PURCHASE_LINE, REFUND

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ORDER_KEY = ("source", "order_id")


def judge_alone(events: DataFrame) -> DataFrame:
    """Fill the columns JUDGED of every event as if no other event had its order.

    Grain: an event in and out. A purchase counts with its value, a refund takes its amount away whatever its sign; an
    unknown amount stays unknown. All other events have no revenue, whatever their value is.
    """
    return _with(events, is_conversion=_is_sale(), repeated=F.lit(False), revenue=F.when(_is_sale(), F.col("value")))


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
    alike = Window.partitionBy(*ORDER_KEY, *apart, "_is_sale", F.when(~F.col("_is_sale"), F.col("refund_id")))
    first = F.row_number().over(alike.orderBy(*in_order())) == 1
    last = F.row_number().over(alike.orderBy(*newest_first())) == 1
    marked = events.select("*", _is_sale().alias("_is_sale"))
    sale, kind = F.col("_is_sale"), F.col("transaction_kind")
    chosen = marked.select("*", F.when(kind == LATEST_PURCHASE, last).otherwise(first).alias("_chosen"))
    repeated = F.when(sale, ~F.col("_chosen") & (kind != PURCHASE_LINE)).otherwise(
        F.col("refund_id").isNotNull() & ~F.col("_chosen")
    )
    judged = chosen.select("*", repeated.alias("_repeated"))
    adds = sale & ~F.col("_repeated")
    so_far = of_order.orderBy(*in_order()).rowsBetween(Window.unboundedPreceding, -1)
    taken, of_unknown = ~sale & ~F.col("_repeated"), F.col("value").isNull()
    has_amount = adds | (taken & ~of_unknown)
    spelled = F.when(has_amount, F.coalesce("currency", F.lit("")))
    summed = judged.select(
        "*",
        F.sum(F.when(adds, F.col("value"))).over(of_order).alias("_paid"),
        F.max(adds & of_unknown).over(of_order).alias("_unknown"),
        (F.min(spelled).over(of_order) == F.max(spelled).over(of_order)).alias("_one_currency"),
        F.nullif(F.min(spelled).over(of_order), F.lit("")).alias("_currency"),
        F.coalesce(F.sum(F.when(taken, F.abs("value"))).over(so_far), F.lit(0)).alias("_taken"),
        F.coalesce(F.max(taken & of_unknown).over(so_far), F.lit(False)).alias("_all_taken"),
    )
    rest = F.when(F.col("_all_taken"), F.lit(0)).otherwise(F.greatest(F.col("_paid") - F.col("_taken"), F.lit(0)))
    known = F.col("_paid").isNotNull() & ~F.col("_unknown") & F.col("_one_currency")
    return _with(
        summed,
        is_conversion=sale & F.col("_chosen"),
        repeated=F.col("_repeated"),
        revenue=F.when(adds, F.col("value")),
        rest=F.when(known, rest),
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
    of_orders = F.coalesce(is_of_order(), F.lit(False))
    return judge_alone(events.where(~of_orders)).unionByName(judge_orders(events.where(of_orders), *apart))


def _is_sale() -> Column:
    kind = F.col("transaction_kind")
    return F.coalesce(kind != REFUND, F.lit(False))


def _with(
    events: DataFrame,
    *,
    is_conversion: Column,
    repeated: Column,
    revenue: Column,
    rest: Column | None = None,
    rest_currency: Column | None = None,
) -> DataFrame:
    """Replace the columns JUDGED; `rest` is the amount of a refund that has none."""
    amount, money = (
        F.coalesce(F.abs("value"), rest if rest is not None else F.lit(None)),
        events.schema["value"].dataType,
    )
    is_refund = (F.col("transaction_kind") == REFUND) & ~repeated
    signed = F.when(is_refund, -amount).otherwise(revenue).cast(money)
    other = rest_currency if rest_currency is not None else F.lit(None).cast("string")
    currency = F.when(is_refund & F.col("value").isNull(), other).otherwise(F.col("currency"))
    values = (is_conversion, repeated, signed, F.when(signed.isNotNull(), currency))
    named = {name: value.alias(name) for name, value in zip(JUDGED, values, strict=True)}
    return events.select(*(named.get(name, F.col(name)) for name in events.columns))
