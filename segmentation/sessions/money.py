"""What an event is worth in the reporting currency."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.tables.table import MONEY, RATE

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.parameters import CurrencyRate, WorkspaceParams

_RATES = f"map<string, array<struct<since: date, rate: {RATE.simpleString()}>>>"


def reporting_revenue(workspace: WorkspaceParams) -> Column:
    """Return an event's revenue in the reporting currency: MONEY, null where it has none or there is no rate.

    Revenue without a currency is in the reporting one. Revenue in another currency is multiplied by the newest rate at
    or before its `event_date` and rounded half up to four places, event by event: sums of it are exact and add up.
    """
    currency, amount = F.col("revenue_currency"), F.col("revenue")
    own = F.coalesce(currency, F.lit(workspace.currency)) == workspace.currency
    revenue = F.when(own, amount)
    if not workspace.rates:
        return revenue
    held = F.filter(_known(workspace.rates)[currency], lambda known: known["since"] <= F.col("event_date"))
    rate = F.get(held, F.lit(0))["rate"]
    return revenue.when(rate.isNotNull(), F.round(amount * rate, 4).cast(MONEY))


def count_without_rate(events: DataFrame, workspace: WorkspaceParams) -> int:
    """Count the events whose revenue has no rate to the reporting currency."""
    return events.where(F.col("revenue").isNotNull() & reporting_revenue(workspace).isNull()).count()


def _known(rates: tuple[CurrencyRate, ...]) -> Column:
    """Return all rates as one constant: currency -> its rates, the newest first."""
    by_currency = {
        currency: [{"since": str(one.since), "rate": str(one.rate)} for one in reversed(list(of))]
        for currency, of in groupby(rates, key=lambda rate: rate.currency)
    }
    return F.from_json(F.lit(json.dumps(by_currency)), _RATES)
