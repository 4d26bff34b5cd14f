"""Which new model versions become champion, and with what reason."""

from __future__ import annotations

import json
from datetime import date
from functools import partial

import pytest

from segmentation.evaluation.comparison import Difference
from segmentation.tracking.promotion import decide_on_clusters, decide_on_propensity
from segmentation.tracking.records import ModelVersion

CUT = date(2024, 3, 1)
KNOWN = ("events_count_30d", "sessions_count_30d")


def version(number: str, *features: str, **tags: str) -> ModelVersion:
    own = {"features": json.dumps(features or KNOWN), "is_calibrated": "true", **tags}
    return ModelVersion("model", number, "run", own, {})


clusters = partial(version, as_of="2024-02-01", cluster_structure="found", rule="the rule")
propensity = partial(version, evaluation_cut="2024-02-01", target_version="t1", calibration="isotonic")
AHEAD, EVEN, BEHIND = (Difference("m", value, value - 1, value + 1) for value in (2.0, 0.5, -2.0))


def compared_by(result):
    return lambda _: result


def not_compared(champion):
    raise AssertionError("this decision takes no measurement")


@pytest.mark.parametrize(
    ("description", "model", "champion", "compare", "promoted", "reason"),
    [
        ("no champion", clusters("2"), None, not_compared, True, "there was no champion"),
        ("no champion and no structure", clusters("2", cluster_structure="none"), None, not_compared, True,
         "no candidate kept to the rule (the rule): all users are one segment"),
        ("a run that broke off", clusters("2", decision_reason="r", decision_evidence="{}"), clusters("2"),
         not_compared, True, "r"),
        ("an earlier cut", clusters("2"), clusters("1", as_of="2024-04-01"), not_compared, False,
         "of an earlier cut (2024-03-01) than champion 1 (2024-04-01)"),
        ("no structure", clusters("2", cluster_structure="none"), clusters("1"), not_compared, False,
         "no candidate kept to the rule (the rule): the segments of version 1 stay in use"),
        ("a feature is gone", clusters("2"), clusters("1", "gone_count"), not_compared, True,
         "champion 1 cannot be compared: user_features has not all of its features any more"),
        ("one segment", clusters("2"), clusters("1"), compared_by(None), True,
         "champion 1 puts all users into one segment"),
        ("better", clusters("2"), clusters("1"), compared_by(AHEAD), True, "against champion 1"),
        ("as good", clusters("2"), clusters("1"), compared_by(EVEN), True, "against champion 1"),
        ("worse", clusters("2"), clusters("1"), compared_by(BEHIND), False, "against champion 1"),
    ],
)  # fmt: skip
def test_decide_on_clusters(description, model, champion, compare, promoted, reason) -> None:
    verdict = decide_on_clusters(model, champion, cut=CUT, known=KNOWN, compare=compare)
    assert (verdict.promoted, reason in verdict.reason) == (promoted, True), description
    if description != "a run that broke off":
        assert verdict.evidence["champion_before"] == (champion.version if champion else None)


@pytest.mark.parametrize(
    ("description", "model", "champion", "compare", "promoted", "reason"),
    [
        ("no champion", propensity("2"), None, not_compared, True, "there was no champion"),
        ("a run that broke off", propensity("2", decision_reason="r", decision_evidence="{}"), propensity("2"),
         not_compared, True, "r"),
        ("an earlier cut", propensity("2"), propensity("1", evaluation_cut="2024-04-01"), not_compared, False,
         "of an earlier cut (2024-03-01) than champion 1 (2024-04-01)"),
        ("an earlier release", propensity("2"), version("1"), not_compared, True,
         "champion 1 cannot be compared: it was trained by an earlier release"),
        ("another target", propensity("2"), propensity("1", target_version="t0"), not_compared, True,
         "champion 1 cannot be compared: conf/targets/churn.yaml has changed since it was trained"),
        ("a feature is gone", propensity("2"), propensity("1", "gone_count"), not_compared, True,
         "champion 1 cannot be compared: user_features has no gone_count any more"),
        ("better beyond chance", propensity("2"), propensity("1"), compared_by(AHEAD), True, "against champion 1"),
        ("better, not calibrated", propensity("2", is_calibrated="false"), propensity("1"), compared_by(AHEAD), False,
         "better, but not calibrated"),
        ("better by chance", propensity("2"), propensity("1"), compared_by(EVEN), False, "not better beyond chance"),
        ("worse", propensity("2"), propensity("1"), compared_by(BEHIND), False, "not better beyond chance"),
    ],
)  # fmt: skip
def test_decide_on_propensity(description, model, champion, compare, promoted, reason) -> None:
    verdict = decide_on_propensity(
        model, champion, target="churn", target_version="t1", cut=CUT, known=KNOWN, compare=compare
    )
    assert (verdict.promoted, reason in verdict.reason) == (promoted, True), description
