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


def reporting_value(workspace: WorkspaceParams) -> Column:
    """Return an event's value in the reporting currency: MONEY, null where it carries none or there is no rate.

    A value without a currency is in the reporting one. One in another currency is multiplied by the newest rate at or
    before its `event_date` and rounded half up to four places, event by event: sums of it are exact and add up.
    """
    own = F.coalesce(F.col("currency"), F.lit(workspace.currency)) == workspace.currency
    value = F.when(own, F.col("value"))
    if not workspace.rates:
        return value
    held = F.filter(_known(workspace.rates)[F.col("currency")], lambda known: known["since"] <= F.col("event_date"))
    rate = F.get(held, F.lit(0))["rate"]
    return value.when(rate.isNotNull(), F.round(F.col("value") * rate, 4).cast(MONEY))


def count_without_rate(events: DataFrame, workspace: WorkspaceParams) -> int:
    """Count the events whose value has no rate to the reporting currency."""
    return events.where(F.col("value").isNotNull() & reporting_value(workspace).isNull()).count()


def _known(rates: tuple[CurrencyRate, ...]) -> Column:
    """Return all rates as one constant: currency -> its rates, the newest first."""
    by_currency = {
        currency: [{"since": str(one.since), "rate": str(one.rate)} for one in reversed(list(of))]
        for currency, of in groupby(rates, key=lambda rate: rate.currency)
    }
    return F.from_json(F.lit(json.dumps(by_currency)), _RATES)
