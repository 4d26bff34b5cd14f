"""Funnels, comparisons and states as files: what is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from segmentation.errors import ConfigurationError
from segmentation.sequences.comparisons import load_comparisons
from segmentation.sequences.funnels import load_funnels
from segmentation.sequences.states import load_states

if TYPE_CHECKING:
    from collections.abc import Callable

CONF = Path(__file__).parents[3] / "conf"


def load_all(conf: Path) -> tuple[Any, ...]:
    return load_states(conf), load_funnels(conf), load_comparisons(conf)


def test_a_folder_without_any_declares_nothing(tmp_path: Path) -> None:
    states, *declared = load_all(tmp_path)
    assert (states.rules, declared) == ((), [(), ()])


def test_our_own_files_are_right() -> None:
    states, funnels, comparisons = load_all(CONF)
    assert states.rules
    assert funnels
    assert {one.name for one in comparisons} == {"mobile_checkout_bug", "payment_fault"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("funnels/f.yaml", {"name": "g", "steps": ["a", "b"]}, "name the file g.yaml"),
        ("funnels/f.yaml", {"name": "f", "steps": ["a"]}, "steps: "),
        ("funnels/f.yaml", {"name": "f", "steps": ["a", []]}, "a step needs at least one state"),
        ("funnels/f.yaml", {"name": "f", "steps": ["a", "b"], "windows_s": 5}, "did you mean 'window_s'"),
        ("funnels/f.yaml", {"name": "f", "steps": ["a", "b"], "order": "any"}, "order: "),
        ("comparisons/c.yaml", {"name": "c"}, "a: Field required"),
        ("comparisons/c.yaml", {"name": "c", "a": {"platform": ["web"]}}, "did you mean 'platforms'"),
        ("comparisons/c.yaml", {"name": "c", "a": {}, "transitions": [["x"]]}, "transitions.0"),
        ("comparisons/c.yaml", {"name": "d", "a": {}}, "name the file d.yaml"),
        ("states.yaml", {"rules": [{"state": "x"}]}, "a rule needs sources, events or where"),
        ("states.yaml", {"rules": [{"state": "EXIT", "events": ["x"]}]}, "reserved"),
        ("states.yaml", {"rules": [{"events": ["x"], "were": {}}]}, "unknown key 'rules.0.were'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, content: Any, message: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    load: Callable[[Path], Any] = load_all
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)
