"""Declarations of traits: what is refused, and what is found in mappings."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmentation.errors import ConfigurationError
from segmentation.profiles.params import (
    ProfileParams,
    TraitPlace,
    find_account_places,
    find_places,
    fingerprint_places,
    load_profiles,
)
from segmentation.segments.rules import load_rules
from segmentation.segments.targets import Target
from segmentation.sources.mapping import list_sources, load_mapping

CONF = Path(__file__).parents[3] / "conf"
MAPPING = """
format: csv
fields: {event_id: id, user_id: user, event_name: name, event_at: at}
properties: [plan, staff]
"""


def write(folder: Path, profiles: str, traits: str = "") -> Path:
    (folder / "sources").mkdir(exist_ok=True)
    (folder / "sources" / "shop.yaml").write_text(MAPPING + traits)
    (folder / "profiles.yaml").write_text(profiles)
    return folder


@pytest.mark.parametrize(
    ("profiles", "message"),
    [
        ("traits: {plan: {kind: text}}", "unknown key 'traits.plan.kind'"),
        ("traits: {Plan: {}}", "traits.Plan"),
        ("traits: {plan: {type: date}}", "traits.plan.type"),
        ("sources: [shop, shop]", "shop has two ranks"),
        ("sources: [shup]", r"there is no source 'shup' \(did you mean 'shop'\?\)"),
    ],
)
def test_load_profiles__names_what_is_wrong(tmp_path: Path, profiles: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_profiles(write(tmp_path, profiles))


@pytest.mark.parametrize(
    ("traits", "message"),
    [
        ("traits: {plan: plan}", "'plan' names no property: give properties.<name>"),
        ("traits: {plan: properties.plann}", r"there is no property 'plann' \(did you mean 'plan'\?\)"),
        ("traits: {plan: {from: properties.plan, event: x}}", "did you mean 'events'"),
    ],
)
def test_load_mapping__names_a_property_that_does_not_exist(tmp_path: Path, traits: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_mapping(write(tmp_path, "", traits), "shop")


def test_traits_do_not_shape_events(tmp_path: Path) -> None:
    without = load_mapping(write(tmp_path, ""), "shop").fingerprint
    assert load_mapping(write(tmp_path, "", "traits: {plan: properties.plan}"), "shop").fingerprint == without


def test_find_places__lists_declared_traits_of_ingested_sources(tmp_path: Path) -> None:
    told = "traits: {plan: {from: properties.plan, events: identify}, staff: properties.staff, age: properties.staff}"
    conf = write(tmp_path, "traits: {staff: {type: integer}, plan: {}}\nsources: [shop]", told)
    params = load_profiles(conf)
    places = find_places(conf, params, ["shop", "gone"])
    assert places == (
        TraitPlace("shop", "plan", "text", "plan", ("identify",)),
        TraitPlace("shop", "staff", "integer", "staff", ()),
    )
    assert find_places(conf, params, []) == ()
    assert find_places(conf, ProfileParams(), ["shop"]) == ()
    ranked = ProfileParams(traits=params.traits)
    assert len({fingerprint_places(params, places), fingerprint_places(ranked, places), "x"}) == 3


def test_every_trait_that_is_shipped_is_told_by_a_source() -> None:
    params = load_profiles(CONF)
    assert {place.trait for place in find_places(CONF, params, list_sources(CONF))} == {*params.traits}
    assert [params.rank(source) for source in (*params.sources, "ecom")] == [5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("{trait: plam}", r"declares no trait 'plam' \(did you mean 'plan'\?\)"),
        ("{trait: plan, at_least: 3}", "is of type text, and at_least and at_most compare numbers"),
        ("{trait: plan, is: pro, within_days: 3}", "has its value at the cut: leave out within_days"),
        ("{trait: staff, is: 3, at_most: 3}", "give is, or at_least and at_most"),
        ("{trait: plan, op: '>', value: 3}", "op goes with feature or did or session or path"),
    ],
)
def test_rules_on_traits__are_refused_with_a_reason(tmp_path: Path, when: str, message: str) -> None:
    conf = write(tmp_path, "traits: {plan: {}, staff: {type: integer}}")
    (conf / "segments").mkdir()
    (conf / "segments" / "some.yaml").write_text(f"name: some\ndescription: text\nwhen: {when}\n")
    with pytest.raises(ConfigurationError, match=message):
        load_rules(conf)


def test_rules_on_traits__have_the_declaration_in_their_version(tmp_path: Path) -> None:
    versions = set()
    for profiles in ("traits: {staff: {type: integer}}", "traits: {staff: {type: decimal}}"):
        conf = write(tmp_path, profiles)
        (conf / "segments").mkdir(exist_ok=True)
        (conf / "segments" / "some.yaml").write_text("name: some\ndescription: text\nwhen: {trait: staff, at_least: 9}")
        versions.add(load_rules(conf)[0].version)
        assert [str(one) for one in load_rules(conf)[0].behaviours] == ["trait staff is at least 9"]
    assert len(versions) == 2


def test_rules_on_accounts__are_apart_from_those_on_users(tmp_path: Path) -> None:
    conf = write(tmp_path, "traits: {plan: {}}")
    (conf / "segments").mkdir()
    for name, unit in (("users", ""), ("companies", "unit: account\n")):
        rule = f"name: {name}\ndescription: text\n{unit}when: {{did: buy}}\n"
        (conf / "segments" / f"{name}.yaml").write_text(rule)
    (of_users,), (of_accounts,) = load_rules(conf), load_rules(conf, "account")
    assert (of_users.name, of_accounts.name) == ("users", "companies")
    assert of_users.version != of_accounts.version
    asked = "name: companies\ndescription: text\nunit: account\nwhen: {all: [{did: buy}, {trait: plan}]}\n"
    (conf / "segments" / "companies.yaml").write_text(asked)
    with pytest.raises(ConfigurationError, match="trait asks about persons: leave it out of a rule on accounts"):
        load_rules(conf)


def test_find_account_places(tmp_path: Path) -> None:
    conf = write(tmp_path, "", "account_id: {from: properties.plan, events: buy}")
    assert find_account_places(conf, ["shop"]) == (TraitPlace("shop", "account", "text", "plan", ("buy",)),)
    assert find_account_places(conf, []) == ()
    with pytest.raises(ConfigurationError, match="there is no property 'plam'"):
        load_mapping(write(tmp_path, "", "account_id: properties.plam"), "shop")


def test_a_trait_cannot_be_what_a_target_predicts() -> None:
    with pytest.raises(ValueError, match="trait is known at the cut, so it belongs in who"):
        Target.model_validate({"name": "pays", "happens": {"trait": "plan"}})
    Target.model_validate({"name": "buys", "happens": {"did": "buy"}, "who": {"trait": "plan", "is": True}})
