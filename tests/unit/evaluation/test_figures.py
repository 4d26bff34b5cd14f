import math
from datetime import date

import pytest

from segmentation.evaluation.calibration import CalibrationBin, expected_calibration_error
from segmentation.evaluation.figures import Figure, evaluation_rows


@pytest.mark.parametrize(
    ("value", "limits", "status"),
    [
        (0.4, {}, "info"),
        (0.4, {"at_least": 0.4}, "ok"),
        (0.39, {"at_least": 0.4}, "breach"),
        (0.0, {"at_most": 0.0}, "ok"),
        (1.0, {"at_most": 0.0}, "breach"),
        (None, {"at_least": 0.4}, "breach"),
        (math.nan, {"at_most": 1.0}, "breach"),
        (None, {}, "info"),
    ],
)
def test_status_follows_the_threshold(value, limits, status):
    assert Figure("m", "s", value, "how", **limits).status == status


def test_rows_come_in_order_of_their_key():
    figures = [Figure("b", "s", 2.0, "how", at_most=1.0), Figure("a", "t", 1.0, "how"), Figure("a", "s", None, "how")]
    as_of = date(2024, 1, 1)
    assert evaluation_rows(figures, as_of=as_of) == [
        ("a", "s", as_of, None, None, None, "how", None, "info"),
        ("a", "t", as_of, 1.0, None, None, "how", None, "info"),
        ("b", "s", as_of, 2.0, None, None, "how", 1.0, "breach"),
    ]


def test_calibration_error_weighs_bins_by_their_users():
    bins = [CalibrationBin(30, 0.1, 0.2, 0, 1), CalibrationBin(10, 0.9, 0.5, 0, 1)]
    assert expected_calibration_error(bins) == pytest.approx((30 * 0.1 + 10 * 0.4) / 40)
