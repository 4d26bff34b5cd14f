"""The example of docs/development.md: one class and one entry make a behaviour that rules can ask for."""

from __future__ import annotations

import importlib
import re
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segmentation.errors import ConfigurationError
from segmentation.segments import behaviours
from segmentation.segments.behaviours.behaviour import Declarations, Traces
from segmentation.segments.behaviours.measure import measure_behaviour
from segmentation.segments.rules import build_cohorts, load_rules
from segmentation.segments.targets import Target
from segmentation.sequences.states import StateMapping

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

PAGE = Path(__file__).parents[3] / "docs" / "development.md"
CUT = date(2024, 4, 1)
SESSIONS = [
    ("ann", "web", 60.0, 10), ("ann", "ios", 50.0, 20), ("ann", "pos", 500.0, 5),
    ("bea", "web", 90.0, 10), ("bea", "web", 90.0, 31), ("cid", "ios", 100.0, 30),
]  # fmt: skip


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Add the behaviour of the page, and write its rule."""
    section = PAGE.read_text(encoding="utf-8").partition("## Add a behaviour\n")[2]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    rule = re.search(r"`(\{spent:.*?\})`", section)
    assert code
    assert rule
    (tmp_path / "spent.py").write_text(code[1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "spent", raising=False)
    family = importlib.import_module("spent").Spent
    monkeypatch.setattr(behaviours, "FAMILIES", (*behaviours.FAMILIES, family))
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "spenders.yaml").write_text(f"name: spenders\ndescription: text\nwhen: {rule[1]}\n")
    return tmp_path


def test_example_of_the_page__is_parsed_measured_and_explained(spark: SparkSession, conf: Path) -> None:
    rules = load_rules(conf)
    sessions = spark.createDataFrame(
        [(user, platform, value, CUT - timedelta(days=ago)) for user, platform, value, ago in SESSIONS],
        "user_id string, platform string, value double, session_date date",
    )
    measured = measure_behaviour(
        Traces(sessions, sessions, sessions),
        behaviours=rules[0].behaviours,
        given=Declarations(CUT, "UTC", {}, StateMapping()),
    )
    users = sessions.selectExpr("user_id", f"DATE'{CUT}' AS as_of").distinct()
    found = {row["user_id"]: row for row in build_cohorts(users, rules=rules, as_of=CUT, behaviour=measured).collect()}
    assert {user: row["evidence"] for user, row in found.items()} == {
        "ann": {"spent on web or ios within 30 days": 110.0},
        "cid": {"spent on web or ios within 30 days": 100.0},
    }
    assert {*found["ann"]["thresholds"]} == {"spent on web or ios within 30 days >= 100"}


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("{spend: web, op: '>', value: 1}", r"unknown key 'when.spend' \(did you mean 'spent'\?\)"),
        ("{spent: web, count: days}", "count goes with did or session"),
        ("{spent: web, within_days: 0}", "when.within_days: Input should be greater than or equal to 1"),
        ("{spent: web, did: buy}", "exactly one of feature, did, reached, session, path, trait, spent, all, any, not"),
        ("{op: '>', value: 1, not: {spent: web}}", "op goes with feature or did or session or path or spent"),
    ],
)
def test_example_of_the_page__is_known_to_all_messages(conf: Path, when: str, message: str) -> None:
    (conf / "segments" / "spenders.yaml").write_text(f"name: spenders\ndescription: text\nwhen: {when}\n")
    with pytest.raises(ConfigurationError, match=message):
        load_rules(conf)


def test_example_of_the_page__can_be_a_target(conf: Path) -> None:
    target = Target.model_validate({"name": "spends", "happens": {"any": [{"spent": "web"}]}})
    other = Target.model_validate({"name": "spends", "happens": {"any": [{"spent": "ios"}]}})
    assert [str(one) for one in target.outcomes] == ["spent on web"]
    assert target.version != other.version
