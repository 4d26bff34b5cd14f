"""What may be said of consent in the configuration."""

from __future__ import annotations

from typing import Any

import pytest

from segmentation.errors import ConfigurationError
from segmentation.parameters import validated
from segmentation.privacy.params import ConsentParams


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"needed": ["profiling"]}, "no consent.events tell who granted them"),
        ({"events": {"set": {"purpose": "properties.", "granted": True}}}, "names no property"),
        ({"events": {"set": {"purpose": "ads", "granted": "status"}}}, "granted is true, false or properties.<name>"),
        ({"events": {"set": {"purpose": "ads", "grant": True}}}, "did you mean 'granted'"),
        ({"otherwise": "maybe"}, "otherwise"),
    ],
)
def test_what_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        validated(ConsentParams, given, "conf")


def test_nothing_is_needed_unless_it_is_named() -> None:
    assert ConsentParams().needed == ()
