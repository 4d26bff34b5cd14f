"""Published counts of data sets that follow from their raw files alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.truths


def test_snowplows_sessions_by_each_way_of_counting_them(published: Callable[..., Path]) -> None:
    events = pd.read_csv(published("snowplow_web", "source/snowplow_web_events.csv"), dtype=str)
    expected = pd.read_csv(
        published("snowplow_web", "expected/default/snowplow_web_sessions_expected.csv"), dtype={"domain_userid": str}
    )
    assert (len(events), events["event_id"].nunique(), len(expected)) == (160, 157, 18)
    kept = events.sort_values("collector_tstamp", kind="stable").drop_duplicates("event_id")

    def agreeing(counted: pd.DataFrame, *by: str) -> int:
        made = counted.groupby(list(by)).size().rename("made").reset_index()
        return int((expected.merge(made, on=list(by), how="left").eval("made == total_events")).sum())

    assert agreeing(kept, "domain_sessionid") == 16
    assert agreeing(kept[kept["domain_userid"].notna()], "domain_sessionid") == 15
    assert agreeing(kept, "domain_userid", "domain_sessionid") == 14


def test_complete_journeys_campaigns_and_outliers(published: Callable[..., Path]) -> None:
    campaigns = pd.read_parquet(published("complete_journey", "campaigns.parquet"), columns=["campaign_id"])
    lines = pd.read_parquet(
        published("complete_journey", "transactions.parquet"), columns=["basket_id", "product_id", "quantity"]
    )
    assert campaigns["campaign_id"].nunique() == 27
    assert (len(lines), lines["basket_id"].nunique()) == (1_469_307, 155_848)
    outliers = lines[lines["quantity"] > 1000]
    assert (outliers["product_id"].nunique(), len(outliers)) == (24, 13_494)
