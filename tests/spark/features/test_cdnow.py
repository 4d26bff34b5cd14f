"""RFM against the published summary of the CDNOW sample (Fader & Hardie), all 2,357 customers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.features.build import FeatureInputs, build_user_features
from segmentation.features.params import FeatureParams
from segmentation.tables import SESSIONS, USER_DAYS
from tests.spark.stored import ITEM_SCHEMA

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.truths]

RFM = ("rfm_frequency_count", "rfm_recency_days", "rfm_age_days", "rfm_monetary_value")
AS_OF, END = date(1997, 10, 1), date(1998, 7, 1)
"""The calibration period ends with 1997-09-30, the holdout period with 1998-06-30; cuts are exclusive."""


READ = ("user_id", "as_of", *RFM, "purchases_count_life")


def read_user_days(spark: SparkSession, path: Path) -> DataFrame:
    """Read lines of (master id, sample id, yyyymmdd, CDs, dollars) as purchases of a customer's day."""
    word = F.split(F.trim("value"), r"\s+")
    purchases = spark.read.text(str(path)).select(
        word[1].alias("user_id"),
        F.to_date(word[2], "yyyyMMdd").alias("event_date"),
        word[4].cast("decimal(18,4)").alias("dollars"),
    )
    zero = [F.lit(0).cast("bigint").alias(name) for name in USER_DAYS.measures]
    sums = purchases.groupBy("user_id", "event_date").agg(
        F.count("*").alias("n"), F.sum("dollars").cast("decimal(28,4)").alias("dollars")
    )
    own = {"events": "n", "purchases": "n", "value": "dollars", "purchase_value": "dollars"}
    return sums.select(
        "user_id",
        "event_date",
        *(
            F.col(own[name]).alias(name) if name in own else column
            for name, column in zip(USER_DAYS.measures, zero, strict=True)
        ),
    )


def test_rfm_of_all_customers(spark: SparkSession, published: Callable[..., Path]) -> None:
    summary = published("cdnow", "cdnow_customers_summary.csv")
    days = read_user_days(spark, published("cdnow", "CDNOW_sample.txt"))
    nothing = [spark.createDataFrame([], schema) for schema in (ITEM_SCHEMA, SESSIONS.schema)]
    inputs = dict.fromkeys((AS_OF, END), FeatureInputs(days, *nothing))
    features = build_user_features(inputs, params=FeatureParams(windows_days=(7,))).select(*READ).collect()
    rows, later = ({int(row["user_id"]): row for row in features if row["as_of"] == cut} for cut in (AS_OF, END))

    with summary.open(encoding="utf-8") as file:
        truth = {
            int(line["ID"]): (int(line["frequency"]), float(line["recency"]), float(line["T"]))
            for line in csv.DictReader(file)
        }
    found = {
        customer: (
            row["rfm_frequency_count"],
            round(row["rfm_recency_days"] / 7, 2),
            round(row["rfm_age_days"] / 7, 2),
        )
        for customer, row in rows.items()
    }
    assert len(truth) == 2357
    assert found == truth

    repeats = [row for row in rows.values() if row["rfm_monetary_value"] is not None]
    assert sum(row["rfm_frequency_count"] for row in rows.values()) == 2457
    assert len(repeats) == 946
    mean = sum(row["rfm_monetary_value"] for row in repeats) / len(repeats)
    assert round(mean, 4) == 35.0778

    # purchases of one day are one: counted by line there are more, which is the mistake that the summary avoids
    assert sum(row["purchases_count_life"] for row in rows.values()) - len(rows) == 2603
    new = {user: later[user]["rfm_frequency_count"] - row["rfm_frequency_count"] for user, row in rows.items()}
    assert set(later) == set(rows)
    assert (sum(new.values()), sum(days > 0 for days in new.values())) == (1882, 684)
