"""The choice of the model versions that score the users of a new cut."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from segmentation.errors import ConfigurationError
from segmentation.tracking.records import ModelVersion
from segmentation.tracking.scorers import TargetModel, features_of_all, find_champions, notes_on_changed_targets

CALIBRATED = {"calibration": "isotonic", "target_version": "t1"}


def target(name: str, version: str = "t1") -> SimpleNamespace:
    return SimpleNamespace(name=name, version=version)


def model(*features: str, **tags: str) -> ModelVersion:
    return ModelVersion("m", "3", "run", {"features": json.dumps(features), **tags}, {})


def store(**champions: ModelVersion) -> SimpleNamespace:
    return SimpleNamespace(champion=lambda kind: champions.get(kind.removeprefix("propensity-")))


def test_find_champions__a_target_without_one_is_left_out_with_a_note() -> None:
    known = model(**CALIBRATED)
    found = find_champions(store(buys=known), [target("leaves"), target("buys")])
    assert [(one.target.name, one.model) for one in found.models] == [("buys", known)]
    assert found.notes == ["leaves: no model, so no user has this propensity (jobs/train_propensity.py says why)"]


def test_find_champions__one_of_an_earlier_release_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="version 3 of 'm' was trained by an earlier release"):
        find_champions(store(buys=model()), [target("buys")])


def test_notes_on_changed_targets__only_where_the_version_differs() -> None:
    models = [
        TargetModel(target("buys"), model(**CALIBRATED)),
        TargetModel(target("leaves", "t2"), model(**CALIBRATED)),
    ]
    assert [note.split(":")[0] for note in notes_on_changed_targets(models)] == ["leaves"]


def test_features_of_all__each_once_in_the_order_of_first_use() -> None:
    assert features_of_all([model("b", "a"), model("a", "c"), model("b")]) == ("b", "a", "c")
