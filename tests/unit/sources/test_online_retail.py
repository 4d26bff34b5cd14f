"""The published counts of Online Retail, and what ingest must make of it, from the raw files without Spark."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from tests.online_retail import ACCEPTED, LEDGER, PURCHASES

pytestmark = pytest.mark.truths

TENTHS = 10_000
"""Money is counted in whole ten-thousandths, so that sums are exact."""


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """All lines as text, and what is asked of them as numbers."""
    from tests.conftest import data_set  # noqa: PLC0415  skips by name

    paths = sorted(data_set("online_retail_by_day").glob("*.csv"))
    assert len(paths) == 305
    text = pd.concat([pd.read_csv(path, dtype=str, keep_default_na=False) for path in paths], ignore_index=True)
    price = (text["UnitPrice"].astype(float) * TENTHS).round().astype("int64")
    quantity = text["Quantity"].astype("int64")
    return text.assign(
        copy=text.duplicated(),
        cancelled=text["InvoiceNo"].str.startswith("C"),
        known=text["CustomerID"] != "",
        quantity=quantity,
        price=price,
        value=quantity * price,
    )


def totals(lines: pd.DataFrame) -> tuple[Decimal, int, int]:
    """Value, customers and invoices."""
    value = Decimal(int(lines["value"].sum())) / TENTHS
    return value, lines["CustomerID"].nunique(), lines["InvoiceNo"].nunique()


def test_raw_counts_are_the_published_ones(lines: pd.DataFrame) -> None:
    assert len(lines) == 541_909
    assert lines["InvoiceNo"].nunique() == 25_900
    assert lines.loc[lines["known"], "CustomerID"].nunique() == 4_372
    assert (~lines["known"]).sum() == 135_080
    assert lines["copy"].sum() == 5_268
    assert lines["cancelled"].sum() == 9_288
    assert (lines["quantity"] <= 0).sum() == 10_624
    assert (lines["price"] == 0).sum() == 2_515


def test_a_key_of_user_time_and_type_would_delete_most_lines(lines: pd.DataFrame) -> None:
    of_people = lines[lines["known"]]
    deleted = of_people.duplicated(["CustomerID", "InvoiceDate", "cancelled"]).sum()
    assert (len(of_people), deleted) == (406_829, 384_735)


def test_clean_totals_are_the_published_ones(lines: pd.DataFrame) -> None:
    clean = lines[lines["known"] & ~lines["cancelled"] & (lines["quantity"] > 0) & (lines["price"] > 0)]
    value, *counts = totals(clean)
    assert (len(clean), counts, round(value, 2)) == (397_884, [4_338, 18_532], Decimal("8911407.90"))
    once = clean[~clean["copy"]]
    assert (len(once), round(totals(once)[0], 2)) == (392_692, Decimal("8887208.89"))


def test_what_ingest_must_find_follows_from_the_raw_lines(lines: pd.DataFrame) -> None:
    """Each line by its first verdict: no person, no price, a copy of another line, else accepted."""
    of_people = lines[lines["known"]]
    priced = of_people[of_people["price"] > 0]
    once = priced[~priced["copy"]]
    reasons = {"non_positive_price": len(of_people) - len(priced), "null_user": len(lines) - len(of_people)}
    assert {
        "read": len(lines),
        "parsed": len(lines),
        "accepted": len(once),
        "duplicate": len(priced) - len(once),
        "quarantined": sum(reasons.values()),
        "reasons": reasons,
    } == LEDGER
    assert {"purchase": (~once["cancelled"]).sum(), "cancellation": once["cancelled"].sum()} == ACCEPTED
    assert totals(once[~once["cancelled"]]) == PURCHASES
