import numpy as np
import pandas as pd
import pytest

from segmentation.segments.portraits import draw_portraits


def users(seed: int = 3, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days, purchases = rng.integers(0, 60, n).astype(float), rng.poisson(3, n).astype(float)
    segment = np.where(days > 30, "away", np.where(purchases > 4, "buyers", "lookers"))
    frame = pd.DataFrame({"days": days, "purchases": purchases, "noise": rng.normal(size=n), "segment_id": segment})
    frame.loc[::17, "purchases"] = None
    return frame


def test_planted_rules_are_found_in_words():
    known = users().dropna()
    found = draw_portraits(known, features=("days", "purchases", "noise"), seed=1)
    assert {segment: portrait.rule for segment, portrait in found.items()} == {
        "away": "days > 30.5",
        "buyers": "days <= 30.5 AND purchases > 4.5",
        "lookers": "days <= 30.5 AND purchases <= 4.5",
    }
    assert {(p.precision, p.coverage) for p in found.values()} == {(1, 1)}


@pytest.mark.parametrize("seed", range(4))
def test_precision_and_coverage_are_those_of_the_rule_as_it_reads(seed: int):
    frame = users(seed)
    mixed = np.random.default_rng(seed).random(len(frame)) < 0.2
    frame.loc[mixed, "segment_id"] = "lookers"
    filled = frame.fillna({"purchases": frame["purchases"].median()})
    for segment, portrait in draw_portraits(frame, features=("days", "purchases", "noise"), seed=1).items():
        held = filled.query(portrait.rule.replace("AND", "and"))
        members = (held["segment_id"] == segment).sum()
        assert portrait.precision == pytest.approx(members / len(held))
        assert portrait.coverage == pytest.approx(members / (frame["segment_id"] == segment).sum())


def test_one_segment_has_nothing_to_be_told_by():
    assert draw_portraits(users().assign(segment_id="everyone"), features=("days",), seed=1) == {}
