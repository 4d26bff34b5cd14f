"""Rules: what is refused and with what words, and what counts as another definition."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmentation.errors import ConfigurationError
from segmentation.features import catalogue
from segmentation.features.params import FeatureParams
from segmentation.segments.rules import Rule, load_rules

PROJECT = Path(__file__).parents[3]


def write(folder: Path, text: str, name: str = "some") -> Path:
    (folder / "segments").mkdir(exist_ok=True)
    (folder / "funnels").mkdir(exist_ok=True)
    (folder / "funnels" / "checkout.yaml").write_text("name: checkout\nsteps: [cart, purchase]\n", encoding="utf-8")
    (folder / "segments" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_shipped_rules_name_existing_features() -> None:
    rules = load_rules(PROJECT / "conf")
    assert [rule.name for rule in rules] == [
        "checkout_leavers",
        "feature_explorers",
        "high_frequency",
        "inactive",
        "long_term",
        "new_users",
    ]
    names = {feature.name for feature in catalogue(FeatureParams())}
    subjects = {bound.subject for rule in rules for bound in rule.when.bounds()}
    assert {subject for subject in subjects if isinstance(subject, str)} <= names


def test_a_folder_without_rules_has_none(tmp_path: Path) -> None:
    assert load_rules(tmp_path) == ()


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("{feature: a_b, op: '>', valu: 1}", r"unknown key 'when.valu' \(did you mean 'value'\?\)"),
        ("{feature: a_b, op: '>'}", "either value or percentile"),
        ("{feature: a_b, op: '>', value: 1, percentile: 2}", "either value or percentile"),
        ("{feature: a_b, value: 1}", "needs op"),
        ("{feature: a_b, op: '=>', value: 1}", "must stand in quotes"),
        ("{feature: a_b, op: between, value: 1}", r"between takes \[low, high\]"),
        ("{feature: a_b, op: between, value: [2, 1]}", "in this order"),
        ("{feature: a_b, op: '>', value: [1, 2]}", "other ops one number"),
        ("{feature: a_b, op: '>', percentile: 101}", "between 0 and 100"),
        ("{all: []}", "when.all"),
        ("{}", "exactly one of feature, did, reached, session, path, trait, all, any, not"),
        ("{op: '>', value: 1, not: {feature: a_b, op: '>', value: 1}}", "op goes with feature or did"),
        ("{feature: a_b, op: '>', value: .nan}", "finite"),
        ("{did: buy, op: '>'}", "did buy needs op, and either value or percentile"),
        ("{did: buy, value: 2}", "did buy needs op"),
        ("{did: []}", "when.did"),
        ("{did: buy, within_days: 0}", "greater than or equal to 1"),
        ("{did: buy, then: pay, count: days}", "in times, not in days"),
        ("{did: buy, step: pay}", "step goes with reached"),
        ("{reached: checkout}", "needs step"),
        ("{reached: checkout, step: pay, op: '>', value: 1}", "op goes with feature or did"),
        ("{feature: a_b, op: '>', value: 1, within_days: 3}", "within_days goes with did or reached"),
        ("{reached: chekout, step: purchase}", r"there is no funnel 'chekout' \(did you mean 'checkout'\?\)"),
        ("{not: {reached: checkout, step: purchse}}", r"has no step 'purchse' \(did you mean 'purchase'\?\)"),
        ("{session: {platfrom: web}}", r"unknown key 'when.session.platfrom' \(did you mean 'platform'\?\)"),
        ("{session: {min_events: 3, max_events: 2}}", "min_events is above max_events"),
        ("{session: {min_events: 0}}", "greater than or equal to 1"),
        ("{session: {entry: []}}", "when.session.entry"),
        ("{session: {platform: web}, op: '>'}", "sessions of platform web needs op, and either value or percentile"),
        ("{session: {platform: web}, then: pay}", "then goes with did"),
        ("{path: [cart]}", "at least 2 items"),
        ("{path: [cart, []]}", "a step needs at least one state"),
        ("{path: [cart, pay], count: days}", "count goes with did or session"),
        ("{did: cart, order: strict}", "order goes with path"),
        ("[1", "not valid YAML"),
    ],
)
def test_a_wrong_rule_says_what_is_wrong(tmp_path: Path, when: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as error:
        load_rules(write(tmp_path, f"name: some\ndescription: text\nwhen: {when}\n"))
    assert "some.yaml" in str(error.value)


def test_an_empty_file_and_a_misnamed_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"some\.yaml"):
        load_rules(write(tmp_path, ""))
    good = "name: other\ndescription: text\nwhen: {feature: a_b, op: '>', value: 1}\n"
    with pytest.raises(ConfigurationError, match=r"name the file other\.yaml"):
        load_rules(write(tmp_path, good))


def test_version_is_that_of_the_definition() -> None:
    def rule(value: object, description: str = "text", op: str = ">") -> Rule:
        when = {"all": [{"feature": "a_b", "op": op, "value": value}]}
        return Rule.model_validate({"name": "some", "description": description, "when": when})

    assert rule(10).version == rule(10.0, "other words").version
    assert len({rule(10).version, rule(11).version, rule(10, op=">=").version}) == 3


def test_a_rule_on_a_funnel_is_another_when_the_funnel_or_a_state_is(tmp_path: Path) -> None:
    text = "name: some\ndescription: text\nwhen: {reached: checkout, step: purchase, within_days: 30}\n"
    versions = [load_rules(write(tmp_path, text))[0].version]
    funnel = tmp_path / "funnels" / "checkout.yaml"
    funnel.write_text("name: checkout\nsteps: [cart, payment, purchase]\n", encoding="utf-8")
    versions.append(load_rules(tmp_path)[0].version)
    (tmp_path / "states.yaml").write_text("rules: [{state: cart, events: ['cart*']}]\n", encoding="utf-8")
    versions.append(load_rules(tmp_path)[0].version)
    assert len(set(versions)) == 3
    assert load_rules(tmp_path)[0].version == versions[-1]
    write(tmp_path, "name: some\ndescription: text\nwhen: {path: [cart, purchase]}\n")
    versions = [load_rules(tmp_path)[0].version]  # of the states, not of the funnels
    (tmp_path / "states.yaml").unlink()
    versions.append(load_rules(tmp_path)[0].version)
    funnel.unlink()
    versions.append(load_rules(tmp_path)[0].version)
    assert versions[0] != versions[1] == versions[2]
    plain = "name: some\ndescription: text\nwhen: {did: purchase}\n"
    assert (
        load_rules(write(tmp_path, plain))[0].version
        == Rule.model_validate({"name": "some", "description": "", "when": {"did": ["purchase"]}}).version
    )
