"""Labels of targets against the same in plain Python, at planted edges of the window."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from pyspark.sql.types import StructField, StructType

from segmentation.models.params import PropensityParams
from segmentation.segments.behaviours.behaviour import Traces
from segmentation.segments.labels import Known, label_users
from segmentation.segments.targets import load_targets, mark_asked
from segmentation.sequences.funnels import load_funnels
from segmentation.sequences.states import StateMapping
from segmentation.tables import EVENTS

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

CUT = date(2024, 3, 1)
"""The window is [3 March, 13 March)."""
TARGETS = {
    "purchase": "happens: {did: '@conversion'}",
    "churn": "who: {feature: days_since_last_event, op: '<=', value: 30}\nhappens: {not: {did: '*'}}",
    "shoes": "happens: {did: buy, where: {category: 'shoe*'}}",
    "twice": "happens: {did: buy, op: '>=', value: 2}",
    "to_pay": "happens: {reached: checkout, step: pay}",
    "shops": "happens: {session: {platform: pos}}",
    "both": "happens: {all: [{did: view}, {not: {did: buy}}]}",
}
DONE = [
    ("early", 1, "buy", "hat"), ("first", 2, "buy", "hat"), ("last", 11, "buy", "shoes"), ("late", 12, "buy", "shoes"),
    ("gone", 5, "buy", "shoe"), ("looks", 5, "view", None), ("paid", 4, "cart", None), ("paid", 4, "pay", None),
    ("split", 1, "cart", None), ("split", 2, "pay", None), ("first", 3, "order", "hat"),
]  # fmt: skip
AWAY = {"early": 1, "first": 2, "last": 30, "late": 3, "gone": 31, "looks": 4, "paid": 5, "split": 5, "idle": 9}
EXPECTED = {
    "purchase": {"first", "last", "gone"},
    "churn": {"early", "late", "idle"},
    "shoes": {"last", "gone"},
    "twice": set(),
    "to_pay": {"paid"},
    "shops": {"first", "last", "gone", "paid", "split"},
    "both": {"looks"},
}


def test_labels_are_what_happened_in_the_window_and_of_whom_is_asked(spark: SparkSession, tmp_path: Path):
    for folder in ("targets", "funnels"):
        (tmp_path / folder).mkdir()
    for name, text in TARGETS.items():
        (tmp_path / "targets" / f"{name}.yaml").write_text(f"name: {name}\nhorizon_days: 10\ngap_days: 2\n{text}\n")
    (tmp_path / "funnels" / "checkout.yaml").write_text("name: checkout\nsteps: [cart, pay]\n")
    targets = load_targets(tmp_path, params=PropensityParams())
    schema = StructType([StructField(field.name, field.dataType) for field in EVENTS.schema])
    rows = []
    for number, (user, day, name, category) in enumerate(DONE):
        at = datetime(2024, 3, 1, 12, number, tzinfo=timezone.utc) + timedelta(days=day)
        row = {
            "source": "shop", "event_id": str(number), "user_id": user, "event_name": name, "state": name,
            "event_at": at, "received_at": at, "event_date": at.date(), "session_id": user, "session_started_at": at,
            "sequence_no": number, "properties": f'{{"category": "{category}"}}' if category else "{}",
        }  # fmt: skip
        rows.append(tuple(row.get(column) for column in schema.names))
    counts = [(user, CUT + timedelta(days=day), "event_name", name, 1) for user, day, name, _ in DONE]
    bought = [(*row[:2], "purchase_name", *row[3:]) for row in counts if row[3] in {"buy", "order"}]
    traces = Traces(
        spark.createDataFrame(rows, schema),
        spark.createDataFrame(
            counts + bought, "user_id STRING, event_date DATE, dimension STRING, item STRING, n LONG"
        ),
        spark.createDataFrame(
            [(user, CUT + timedelta(days=day), "web" if name == "view" else "pos") for user, day, name, _ in DONE],
            "user_id STRING, session_date DATE, platform STRING",
        ),
    )
    known = Known(
        traces,
        funnels={funnel.name: funnel for funnel in load_funnels(tmp_path)},
        states=StateMapping(),
        time_zone="UTC",
    )
    users = [(user, CUT, days) for user, days in AWAY.items()] + [("early", CUT - timedelta(days=1), 1)]
    features = spark.createDataFrame(users, "user_id STRING, as_of DATE, days_since_last_event LONG")
    asked = mark_asked(features, targets=targets, cut=CUT).cache()
    frames = [
        label_users(asked, known, target=target, cut=CUT, features=("days_since_last_event",)).selectExpr(
            f"'{target.name}' AS target", "user_id", "label"
        )
        for target in targets
    ]
    found: dict[str, dict[str, float]] = {}
    whole = frames[0]
    for frame in frames[1:]:
        whole = whole.union(frame)
    for row in whole.collect():
        found.setdefault(row["target"], {})[row["user_id"]] = row["label"]
    for name, expected in EXPECTED.items():
        assert {user for user, label in found[name].items() if label} == expected, name
    assert set(found["churn"]) == set(AWAY) - {"gone"}
    assert all(set(labels) == set(AWAY) for name, labels in found.items() if name != "churn")
