"""What users may write in conf/quality, and what they are told where they write something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmentation.errors import ConfigurationError
from segmentation.quality.declarations import load_checks

PROJECT = Path(__file__).parents[3]


def load(folder: Path, check: str, name: str = "shop"):
    (folder / "quality").mkdir(exist_ok=True)
    (folder / "quality" / "shop.yaml").write_text(f"name: {name}\nchecks:\n  prices: {check}\n")
    return load_checks(folder)


def test_the_shipped_checks_end_a_run_for_rejected_records_alone() -> None:
    levels = {check.name: check.rule.level for check in load_checks(PROJECT / "conf")}
    assert [name for name, level in levels.items() if level == "error"] == ["basics.rejected"]
    assert {"basics.fresh", "basics.volume", "basics.event_names", "basics.retyped_properties"} < set(levels)


def test_a_folder_without_checks_has_none(tmp_path: Path) -> None:
    assert load_checks(tmp_path) == ()


def test_a_check_is_named_after_its_file(tmp_path: Path) -> None:
    (check,) = load(tmp_path, "{kind: range, property: price, event: view, min: 0, level: error}")
    assert (check.name, check.rule.kind, check.rule.level) == ("shop.prices", "range", "error")


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("{kind: range, column: value, mim: 0}", ["unknown key 'checks.prices.range.mim'", "did you mean 'min'?"]),
        ("{kind: rnage, column: value}", ["checks.prices", "'rnage'", "'range'"]),
        ("{kind: range, column: valeu, min: 0}", ["checks.prices.range", "no column 'valeu'", "did you mean 'value'?"]),
        ("{kind: range, column: value}", ["checks.prices.range", "give min, max or both"]),
        ("{kind: completeness}", ["checks.prices.completeness", "exactly one of column and property"]),
        ('{kind: completeness, property: "a\'] b"}', ["checks.prices.completeness.property"]),
        ("{kind: share, at_most: 5}", ["checks.prices.share.at_most", "less than or equal to 1"]),
        ("{kind: freshness}", ["checks.prices.freshness.at_most_hours", "required"]),
    ],
)
def test_what_is_wrong_is_told_with_file_and_check(tmp_path: Path, check: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(tmp_path, check)
    for word in ["shop.yaml", *words]:
        assert word in str(error.value)


def test_a_file_is_named_like_its_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"name the file till\.yaml"):
        load(tmp_path, "{kind: volume}", name="till")
