"""The code that is generated from a tracking plan, compared with golden files; Kotlin and Swift are not compiled.

To write the golden files again:
python -m segmentation.instrumentation --conf-dir FIXTURES --out FIXTURES/expected
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from segmentation.errors import ConfigurationError
from segmentation.instrumentation import generate_instrumentation
from segmentation.instrumentation.__main__ import write_instrumentation
from segmentation.sources.tracking_plan import TrackingPlan, load_tracking_plan

PROJECT = Path(__file__).parents[3]
FIXTURES = PROJECT / "tests" / "fixtures" / "instrumentation"
SHIPPED = load_tracking_plan(PROJECT / "conf")


def plan(events: dict[str, Any], sources: tuple[str, ...] = ()) -> TrackingPlan:
    return TrackingPlan.model_validate(
        {"sources": sources, "events": {name: {"goal": "revenue", **event} for name, event in events.items()}}
    )


def read_folder(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def test_generated_files__equal_the_golden_ones(tmp_path: Path) -> None:
    assert write_instrumentation(["--conf-dir", str(FIXTURES), "--out", str(tmp_path)]) == 0
    assert read_folder(tmp_path) == read_folder(FIXTURES / "expected")


def test_generated_files__of_the_shipped_plan_name_every_event() -> None:
    files = generate_instrumentation(SHIPPED, measurement_id="G-TEST", vendor="org.shop")
    for path in ("google/data_layer.js", "google/tag_manager.json", "firebase/Tracking.kt", "firebase/Tracking.swift"):
        assert [name for name in SHIPPED.events if f'"{name}"' not in files[path]] == [], path
    assert '"Order Completed"' in files["segment/segment.js"]
    assert "iglu:org.shop/" in files["snowplow/snowplow.js"]
    assert files["firebase/Tracking.kt"].splitlines()[1] == "package org.shop"


def test_container__every_reference_resolves() -> None:
    container = json.loads(generate_instrumentation(SHIPPED)["google/tag_manager.json"])["containerVersion"]
    triggers = {trigger["triggerId"]: trigger["name"] for trigger in container["trigger"]}
    variables = {variable["name"] for variable in container["variable"]}
    own = {"_event"}
    used = set()
    for tag in container["tag"]:
        text = json.dumps([tag["parameter"], container["trigger"]])
        used |= {part.split("}}")[0] for part in text.split("{{")[1:]}
        if tag["type"] == "gaawe":
            assert triggers[tag["firingTriggerId"][0]] == tag["name"]
    assert used - own == variables
    ids = [tag["tagId"] for tag in container["tag"]]
    assert len(set(ids)) == len(SHIPPED.events) + 1


@pytest.mark.parametrize(
    ("events", "message"),
    [
        pytest.param({}, "no events", id="an empty plan"),
        pytest.param({"Order Completed": {}}, "'Order Completed' cannot be generated", id="a name with a blank"),
        pytest.param({"a" * 41: {}}, "at most 40", id="a long name"),
        pytest.param({"ga_session": {}}, "not with firebase_, ga_", id="a reserved name"),
        pytest.param({"x": {"parameters": {"1st": {}}}}, "'1st' cannot be generated", id="a parameter's name"),
        pytest.param({"add_to": {}, "addTo": {}}, "the name 'addTo' twice", id="two events with one function"),
        pytest.param({"set_user": {}}, "the name 'setUser' twice", id="a function of its own"),
        pytest.param({"x": {"parameters": {"items": {}}}}, "x: the generated code", id="a parameter called items"),
        pytest.param({"x": {"parameters": {"a_b": {}, "aB": {}}}}, "the name 'aB' twice", id="two arguments"),
        pytest.param(
            {"x": {"parameters": {"a": {"names": {"segment": "b"}}, "b": {}}}}, "the name 'b' twice", id="one name sent"
        ),
    ],
)
def test_generate__refuses_a_plan_that_cannot_be_sent(events: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        generate_instrumentation(plan(events))


def test_generate__refuses_a_vendor_that_is_not_a_domain(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert write_instrumentation(["--conf-dir", str(FIXTURES), "--out", str(tmp_path), "--vendor", "My Shop"]) == 2
    assert "'My Shop' is not a reversed domain such as com.example" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_plan__has_the_names_of_a_source() -> None:
    renamed = SHIPPED.named_for("segment").events
    assert list(renamed["Order Completed"].parameters) == ["order_id", "revenue", "currency", "coupon"]
    assert list(SHIPPED.named_for("ga4").events) == list(SHIPPED.events)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ({"x": {"names": {"segmnet": "X"}}}, "'segmnet' is not one of the plan's sources"),
        ({"x": {"names": {"segment": "y"}}, "y": {}}, "two events are called 'y' in source segment"),
    ],
)
def test_plan__refuses_names_that_do_not_work(events: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        plan(events, sources=("segment",))
