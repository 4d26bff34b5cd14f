"""Which units stand: whatever the order in which they came."""

from __future__ import annotations

import random
import re

import pytest
from pydantic import ValidationError

from segmentation.sources.supersede import Delivery, SupersedeParams, find_superseded

GA4 = SupersedeParams(
    key=r"^(.*/)events_(?:intraday_)?(\d{8})", rank=(r"events_intraday_\d", r"events_\d"), version=r"run=(\d+)"
)
PLAIN = SupersedeParams(key=r"(\d{8})")


def delivery(path: str, modified_us: int = 0) -> Delivery:
    return Delivery(unit_id=f"{path}@{modified_us}", path=path, modified_us=modified_us, bytes=1)


@pytest.mark.parametrize(
    ("params", "deliveries", "standing"),
    [
        pytest.param(
            GA4,
            ["ga/events_intraday_20240301-0", "ga/events_20240301-0", "ga/events_20240301-1", "ga/events_20240302-0"],
            {"ga/events_20240301-0@0", "ga/events_20240301-1@0", "ga/events_20240302-0@0"},
            id="daily table over intraday table; its files stand side by side",
        ),
        pytest.param(
            GA4,
            ["shop/events_20240301-0", "blog/events_intraday_20240301-0"],
            {"shop/events_20240301-0@0", "blog/events_intraday_20240301-0@0"},
            id="another stream is another key",
        ),
        pytest.param(
            PLAIN,
            [("20240301.json", 1), ("20240301.json", 3), ("20240301.json", 2), ("20240302.json", 1)],
            {"20240301.json@3", "20240302.json@1"},
            id="the same path again: the newest content",
        ),
        pytest.param(
            SupersedeParams(key=r"day=(\d+)", version=r"run=(\d+)"),
            ["run=20240302/day=1/a", "run=20240303/day=1/a", "run=20240303/day=1/b", "run=20240302/day=2/a", "notes"],
            {"run=20240303/day=1/a@0", "run=20240303/day=1/b@0", "run=20240302/day=2/a@0", "notes@0"},
            id="the newest export, with all its files; what has no key stands",
        ),
        pytest.param(None, ["a", ("b", 1), ("b", 2)], {"a@0", "b@1", "b@2"}, id="nothing declared: all stand"),
    ],
)
def test_what_stands_does_not_depend_on_order(params, deliveries, standing) -> None:
    units = [delivery(*(one if isinstance(one, tuple) else (one,))) for one in deliveries]
    for shuffle in range(5):
        random.Random(shuffle).shuffle(units)
        superseded = find_superseded(units, params)
        assert {unit.unit_id for unit in units} - set(superseded) == standing
        assert set(superseded.values()) <= standing


def test_a_file_that_comes_again_takes_the_place_whatever_else_the_export_has() -> None:
    export = [delivery("day=20240301/0", 1), delivery("day=20240301/1", 1)]
    again = delivery("day=20240301/1", 2)
    for news in ((), (again.unit_id,)):
        superseded = find_superseded([*export, again], PLAIN, news=news)
        assert set(superseded) == {export[1].unit_id}
    assert superseded == {export[1].unit_id: again.unit_id}


def test_the_first_file_of_a_newer_export_takes_the_place_even_if_the_others_never_come() -> None:
    params = SupersedeParams(key=r"day=(\d+)", version=r"v(\d)")
    old, *export = (delivery(path, 1) for path in ("day=1/v1", "day=1/v2/a", "day=1/v2/b"))
    for news in (export, export[::-1]):
        superseded = find_superseded([old, *export], params, news=[one.unit_id for one in news])
        assert superseded == {old.unit_id: news[0].unit_id}


def test_a_pattern_without_a_group_is_refused() -> None:
    with pytest.raises(ValidationError, match=re.escape("needs a group")):
        SupersedeParams(key=r"\d{8}")
