"""Behaviours of rules: each is one listed file, which declares what it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmentation.segments import behaviours
from segmentation.segments.behaviours.behaviour import Behaviour, Traces
from segmentation.segments.behaviours.did import Done
from segmentation.segments.behaviours.path import Passed

SHARED = {"__init__", "behaviour", "measure"}


def test_every_file_of_a_behaviour_is_listed_and_named_like_its_key() -> None:
    files = {path.stem for path in Path(behaviours.__file__).parent.glob("*.py")} - SHARED
    assert {family.__module__.rsplit(".", 1)[-1] for family in behaviours.FAMILIES} == files
    assert {family.key for family in behaviours.FAMILIES} == files


@pytest.mark.parametrize("family", behaviours.FAMILIES)
def test_a_behaviour_reads_tables_that_exist_and_documents_its_keys(family: type[Behaviour]) -> None:
    assert set(family.reads) <= set(Traces._fields)
    assert family.key in family.fields_by_key()
    assert all(field.description for field in family.fields_by_key().values())


@pytest.mark.parametrize(
    ("description", "one", "other", "are_equal"),
    [
        ("a default that is given", {"did": "buy"}, {"did": ["buy"], "count": "times"}, True),
        ("a key without value", {"did": "buy"}, {"did": "buy", "within_days": None}, True),
        ("properties in another order", {"did": "b", "where": {"x": "1", "y": "2"}},
         {"did": "b", "where": {"y": "2", "x": "1"}}, True),
        ("names that differ in case", {"did": "buy"}, {"did": "Buy"}, False),
        ("another window", {"did": "buy", "within_days": 3}, {"did": "buy", "within_days": 4}, False),
        ("days in place of times", {"did": "buy"}, {"did": "buy", "count": "days"}, False),
    ],
)  # fmt: skip
def test_behaviours_are_equal_if_they_measure_the_same(description, one, other, are_equal) -> None:
    first, second = Done.model_validate(one), Done.model_validate(other)
    assert (first == second) is are_equal, description
    assert (hash(first) == hash(second)) is are_equal, description
    assert (first.column == second.column) is are_equal, description


def test_behaviours_of_two_kinds_are_never_equal() -> None:
    assert Done.model_validate({"did": "a"}) != Passed.model_validate({"path": ["a", "b"]})


def test_keys_are_written_as_they_were_given() -> None:
    given = {"did": "buy", "count": "times", "where": {"category": "shoe*"}}
    assert Done.model_validate(given).as_written() == {**given, "did": ["buy"]}
