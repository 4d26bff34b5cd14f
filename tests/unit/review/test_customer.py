"""One person in words, whatever their data hold."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from segmentation.review.customer import write_customer

AT = datetime(2024, 3, 1, 12, 30)  # noqa: DTZ001  as Spark gives it, UTC
ESCAPE = "\x1b[31mred\x1b[0m"
CUSTOMER = {
    "user_id": ESCAPE,
    "as_of": date(2024, 4, 1),
    "about": {"events": 1, "first_at": AT, "last_at": AT, "platforms": ["web"], "sources": ["shop"]},
    "traits": [
        {"trait": "plan", "value": ESCAPE, "valid_from_at": AT, "valid_to_at": AT, "source": "crm"},
        {"trait": "plan", "value": "free", "valid_from_at": AT, "valid_to_at": None, "source": "crm"},
    ],
    "scores": [
        {"as_of": date(2024, 4, 1), "segment_name": "regulars", "distance": 1.25, "margin": None, "held_back": False}
    ],
    "segment_reasons": [
        {"feature": "sessions_count_30d", "value": None, "segment_mean": 4.0, "overall_mean": 1.0, "effect_size": 1.0}
    ],
    "predictions": [
        {"target": "churn", "raw": None, "calibrated": None, "reasons": []},
        {
            "target": "purchase",
            "raw": 0.25,
            "calibrated": 0.2,
            "reasons": [{"feature": "value_sum_life", "value": 12.0, "reference": 3.0, "contribution": -0.031}],
        },
    ],
    "rules": [
        {
            "rule": "busy",
            "member": True,
            "evidence": {"sessions_count_7d": 11.0},
            "thresholds": {"sessions_count_7d > 10": 10.0},
        },
        {"rule": "new_users", "member": False, "evidence": {}, "thresholds": {}},
    ],
    "history": [
        {
            "changed_at": date(2024, 3, 1),
            "direction": "entered",
            "segment": "busy",
            "segmentation": "rule:busy",
            "cause": "behaviour",
        }
    ],
    "sessions": [
        {
            "started_at": AT,
            "events": 1,
            "duration_ms": None,
            "entry_state": "home",
            "exit_state": "home",
            "converted": True,
        }
    ],
    "events": [{"event_at": AT, "event_name": "line\nbreak", "value": None, "currency": None}],
    "features_as_of": date(2024, 4, 1),
    "features": {"sessions_count_30d": 4.0, "rest": 0.0, "unknown": None},
}


def test_everything_is_told_and_nothing_in_the_data_moves_the_cursor() -> None:
    told = write_customer(CUSTOMER)
    assert "\x1b" not in told
    assert "line break" in told
    for part in (
        "Segment: regulars (2024-04-01; distance 1.25)",
        "plan: free  since 1 March 2024, 12:30 UTC  (crm)",
        "churn: not asked",
        "purchase: 20.0 % (25.0 % before calibration)",
        "-0.03 log-odds  Value, ever: 12, usually 3",
        "in  busy: sessions_count_7d = 11; asked for: sessions_count_7d > 10",
        "not new_users",
        "2024-03-01  entered  busy  (rule:busy; behaviour)",
    ):
        assert part in told
    assert "rest" not in told.lower().split("features (")[1]


def test_nobody_was_scored_yet() -> None:
    bare = {**CUSTOMER, "scores": [], "predictions": [], "rules": [], "history": [], "features": {}}
    assert "not scored yet" in write_customer(bare)


@pytest.mark.parametrize(
    ("margin", "held_back", "told"),
    [
        (None, False, "distance 1.25)"),
        (0.5, False, "distance 1.25, the next segment 0.5 further)"),
        (-0.5, True, "distance 1.25, the next segment 0.5 nearer; held back here: clear by 1 at one of 2 cuts)"),
    ],
)
def test_how_far_the_next_segment_is_and_who_is_held_back_is_told(
    margin: float | None,
    held_back: bool,  # noqa: FBT001  a case
    told: str,
) -> None:
    rule = "clear by 1 at one of 2 cuts"
    scores = [{**CUSTOMER["scores"][0], "margin": margin, "held_back": held_back, "assignment_rule": rule}]
    assert told in write_customer({**CUSTOMER, "scores": scores})
