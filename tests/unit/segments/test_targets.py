"""What a file in conf/targets may say, and what is said of one that is wrong."""

from pathlib import Path

import pytest

from segmentation.errors import ConfigurationError
from segmentation.models.params import PropensityParams
from segmentation.segments.targets import Target, load_targets

CONF = Path(__file__).parents[3] / "conf"


def load(folder: Path, text: str, name: str = "one", **params: object):
    (folder / "targets").mkdir(exist_ok=True)
    (folder / "targets" / f"{name}.yaml").write_text(f"name: {name}\n{text}\n", encoding="utf-8")
    return load_targets(folder, params=PropensityParams(**params))


def test_the_targets_that_come_along_are_valid():
    targets = load_targets(CONF, params=PropensityParams())
    assert [target.name for target in targets] == ["churn", "purchase"]
    assert {(target.window.gap_days, target.window.horizon_days) for target in targets} == {(0, 28)}


def test_windows_are_filled_in(tmp_path: Path):
    load(tmp_path, "happens: {any: [{did: '@conversion'}, {not: {did: [view, '@conversion']}}]}\ngap_days: 3")
    (target,) = load_targets(tmp_path, params=PropensityParams(horizon_days=14))
    assert [(one.names, one.within_days) for one in target.outcomes] == [
        (("@conversion",), 14),
        (("view", "@conversion"), 14),
    ]
    assert (target.window.gap_days, target.window.horizon_days) == (3, 14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hapens: {did: buy}", r"unknown key 'hapens' \(did you mean 'happens'\?\)"),
        ("happens: {did: buy, valu: 2}", r"unknown key 'happens.valu' \(did you mean 'value'\?\)"),
        ("happens: {feature: sessions_count_30d, op: '>', value: 1}", "known at the cut"),
        ("happens: {did: buy, within_days: 3}", "leave out within_days"),
        ("happens: {did: buy, op: '>=', percentile: 50}", "not known beforehand"),
        ("happens: {did: buy, then: pay, where: {a: b}}", "leave out where"),
        ("happens: {reached: chekout, step: pay}", r"targets/one.yaml: there is no funnel 'chekout'"),
        ("happens: {did: buy}\ncosts: {misses: 2}", r"unknown key 'costs.misses' \(did you mean 'miss'\?\)"),
        ("happens: {did: buy}\nhorizon_days: 0", "horizon_days"),
        ("who: {did: buy}", "happens: Field required"),
    ],
)
def test_a_wrong_file_is_named_with_what_to_do(tmp_path: Path, text: str, message: str):
    with pytest.raises(ConfigurationError, match=message) as error:
        load(tmp_path, text)
    assert "one.yaml" in str(error.value)
    assert error.value.exit_code == 2


def test_a_target_that_is_asked_for_must_have_a_file(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"there is no .*/purchas.yaml \(did you mean 'purchase'\?\)"):
        load(tmp_path, "happens: {did: buy}", "purchase", targets=("purchas",))
    with pytest.raises(ConfigurationError, match=r"empty/targets has no target"):
        load_targets(tmp_path / "empty", params=PropensityParams())


def test_what_is_predicted_of_whom_and_when_makes_the_version(tmp_path: Path):
    def version(text: str) -> str:
        (target,) = load(tmp_path, text)
        assert isinstance(target, Target)
        return target.version

    first = version("happens: {did: buy}")
    assert version("description: For people.\ncosts: {miss: 3}\nhappens: {did: buy}") == first
    others = {
        version("happens: {did: buy}\nhorizon_days: 7"),
        version("happens: {did: buy}\ngap_days: 1"),
        version("happens: {did: buy}\nwho: {did: view}"),
        version("happens: {did: buy, where: {category: shoes}}"),
    }
    assert len(others | {first}) == 5
