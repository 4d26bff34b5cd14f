"""Rule segments on hand-made users."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from segmentation.errors import ConfigurationError
from segmentation.segments.behaviours.behaviour import Declarations, Traces
from segmentation.segments.behaviours.measure import measure_behaviour
from segmentation.segments.rules import Rule, build_cohorts, load_rules, view_memberships
from segmentation.sequences.states import StateMapping

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

PROJECT = Path(__file__).parents[3]
AS_OF = date(2024, 4, 1)
SCHEMA = """user_id string, as_of date, days_since_last_event bigint, days_since_first_event bigint,
    sessions_count_7d bigint, used_features_distinct_count_30d bigint,
    value_sum_life decimal(28,4), share double"""


def users(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    """Make users at the cut: (user_id, last, first, sessions, features, value, share)."""
    return spark.createDataFrame([(row[0], AS_OF, *row[1:]) for row in rows], SCHEMA)


def rule(name: str, when: dict[str, Any]) -> Rule:
    return Rule.model_validate({"name": name, "description": "text", "when": when})


def members(cohorts: DataFrame) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in cohorts.collect():
        found.setdefault(row["rule"], set()).add(row["user_id"])
    return found


def test_shipped_rules_hold_at_their_edges(spark: SparkSession) -> None:
    frame = users(
        spark,
        ("new", 1, 7, 10, 2, None, None),
        ("busy", 1, 8, 11, 3, None, None),
        ("loyal", 30, 90, 0, 9, None, None),
        ("young", 30, 89, 0, 0, None, None),
        ("gone", 31, 400, 0, 0, None, None),
    )
    frame = frame.union(
        users(spark, ("other cut", 99, 99, 99, 99, None, None)).selectExpr(
            "user_id", "date_sub(as_of, 1)", *frame.columns[2:]
        )
    )
    rules = load_rules(PROJECT / "conf")
    sessions = spark.createDataFrame(
        [
            ("new", "payment_details", False, 1), ("busy", "shipping_details", False, 30),
            ("loyal", "payment_details", True, 1), ("young", "cart", False, 1), ("gone", "cart_details", False, 31),
        ],
        "user_id string, exit_state string, converted boolean, ago int",
    ).selectExpr("*", f"date_sub(DATE'{AS_OF}', ago) AS session_date")  # fmt: skip
    behaviour = measure_behaviour(
        Traces(sessions, sessions, sessions),
        behaviours=[one for r in rules for one in r.behaviours],
        given=Declarations(AS_OF, "UTC", {}, StateMapping()),
    )
    assert members(build_cohorts(frame, rules=rules, as_of=AS_OF, behaviour=behaviour)) == {
        "checkout_leavers": {"new", "busy"},
        "new_users": {"new"},
        "high_frequency": {"busy"},
        "long_term": {"loyal"},
        "inactive": {"gone"},
        "feature_explorers": {"loyal"},  # the 80th percentile of 0 0 2 3 9 is 4.2
    }


def test_null_is_false_and_combinations_hold(spark: SparkSession) -> None:
    frame = users(
        spark,
        ("a", 1, 5, 1, 0, Decimal("19.99"), 0.5),
        ("b", 2, 5, 2, 0, Decimal("20.00"), None),
        ("c", 3, 5, 3, 0, Decimal("20.01"), 1.0),
    )
    half = {"feature": "share", "op": ">=", "value": 0.5}
    rules = (
        rule("above", {"feature": "value_sum_life", "op": ">", "value": 20}),
        rule("equal", {"feature": "value_sum_life", "op": "==", "value": 19.99}),
        rule("between", {"feature": "sessions_count_7d", "op": "between", "value": [2, 3]}),
        rule("half", half),
        rule("not_half", {"not": half}),
        rule("either", {"any": [half, {"feature": "sessions_count_7d", "op": "<", "value": 3}]}),
        rule("nested", {"all": [{"not": {"any": [{"feature": "share", "op": "==", "value": 1}]}}, half]}),
        rule("nobody", {"feature": "sessions_count_7d", "op": ">", "value": 99}),
    )
    cohorts = build_cohorts(frame, rules=rules, as_of=AS_OF)
    assert members(cohorts) == {
        "above": {"c"},
        "equal": {"a"},
        "between": {"b", "c"},
        "half": {"a", "c"},
        "not_half": {"b"},
        "either": {"a", "b", "c"},
        "nested": {"a"},
    }
    rows = {(r["rule"], r["user_id"]): r for r in cohorts.collect()}
    assert rows["either", "b"]["evidence"] == {"sessions_count_7d": 2.0}  # the unknown share is absent
    assert rows["either", "b"]["thresholds"] == {"share >= 0.5": 0.5, "sessions_count_7d < 3": 3.0}
    assert rows["between", "c"]["thresholds"] == {
        "sessions_count_7d >= 2": 2.0,
        "sessions_count_7d <= 3": 3.0,
    }
    assert {r["rule_version"] for r in rows.values()} == {r.version for r in rules if r.name != "nobody"}
    evidence = view_memberships(cohorts).where("user_id = 'b' AND segment_id = 'between'").head()
    assert evidence is not None
    assert evidence["segmentation"] == "rule:between"
    assert json.loads(evidence["evidence"]) == {
        "evidence": {"sessions_count_7d": 2.0},
        "thresholds": {"sessions_count_7d <= 3": 3.0, "sessions_count_7d >= 2": 2.0},
    }


def test_percentiles_are_numpys_over_known_values_and_recorded(spark: SparkSession) -> None:
    shares = [0.1, 0.4, 0.35, None, 0.8, 0.2, 0.2]
    frame = users(spark, *((f"u{i}", 1, 1, i, 0, None, share) for i, share in enumerate(shares)))
    known = [share for share in shares if share is not None]
    rules = (
        rule("top", {"feature": "share", "op": ">", "percentile": 62.5}),
        rule("middle", {"feature": "share", "op": "between", "percentile": [20, 80]}),
        rule("empty", {"feature": "value_sum_life", "op": ">=", "percentile": 0}),  # known of nobody
    )
    rows = build_cohorts(frame, rules=rules, as_of=AS_OF).collect()
    low, high, top = (float(np.percentile(known, p)) for p in (20, 80, 62.5))
    assert {r["user_id"] for r in rows if r["rule"] == "top"} == {f"u{shares.index(s)}" for s in known if s > top}
    assert {r["evidence"]["share"] for r in rows if r["rule"] == "middle"} == {s for s in known if low <= s <= high}
    assert not [r for r in rows if r["rule"] == "empty"]
    resolved = {label: value for r in rows for label, value in r["thresholds"].items()}
    assert resolved == pytest.approx(
        {"share > percentile 62.5": top, "share >= percentile 20": low, "share <= percentile 80": high},
        rel=1e-12,
    )


def test_unknown_features_and_no_rules(spark: SparkSession) -> None:
    frame = users(spark, ("a", 1, 5, 1, 0, None, None))
    assert build_cohorts(frame, rules=(), as_of=AS_OF).collect() == []
    wrong = rule("some", {"not": {"feature": "session_count_7d", "op": ">", "value": 1}})
    with pytest.raises(ConfigurationError, match=r"some\.yaml.*did you mean 'sessions_count_7d'"):
        build_cohorts(frame, rules=(wrong,), as_of=AS_OF)
    with pytest.raises(ConfigurationError, match="user_id"):
        build_cohorts(frame, rules=(rule("some", {"feature": "user_id", "op": ">", "value": 1}),), as_of=AS_OF)
