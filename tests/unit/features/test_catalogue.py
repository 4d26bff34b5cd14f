"""The catalogue: complete, documented, and the page of it current."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from segmentation import features
from segmentation.errors import ConfigurationError
from segmentation.features import catalogue, feature_set_version, user_features_contract
from segmentation.features.catalogue_page import SHOWN, catalogue_page
from segmentation.features.params import FeatureParams, name_column

PROJECT = Path(__file__).parents[3]
SHARED = {"__init__", "build", "catalogue_page", "feature", "inputs", "params"}


def test_every_family_file_is_listed_once_and_in_order() -> None:
    files = {path.stem for path in Path(features.__file__).parent.glob("*.py")} - SHARED
    listed = [family.__name__.rsplit(".", 1)[-1] for family in features.FAMILIES]
    assert listed == sorted(files)


def test_features_are_documented_and_named_by_the_convention() -> None:
    params = FeatureParams(used_features=("Search", "wish list"), funnels=("checkout",), loops=True)
    windows = {"1d", "7d", "30d", "90d", "365d", "life"}
    for feature in catalogue(params):
        assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", feature.name)
        assert feature.unit
        assert feature.description
        assert (feature.name.rsplit("_", 1)[-1] in windows) == (feature.window is not None), feature.name
    names = {feature.name for feature in catalogue(params)}
    assert {"days_since_last_event", "rfm_recency_days", "sessions_count_30d"} <= names
    assert {"used_search_count_7d", "used_wish_list_count_life"} <= names


def test_only_what_is_never_null_is_required_by_the_contract() -> None:
    contract = user_features_contract(FeatureParams())
    for column in contract.columns:
        assert column.nullable == ("; null: " in column.description), column.name


def test_windows_are_sorted_and_distinct() -> None:
    assert FeatureParams(windows_days=(30, 7, 30)) == FeatureParams(windows_days=(7, 30))
    names = {feature.name for feature in catalogue(FeatureParams(windows_days=(14,)))}
    assert "events_count_14d" in names
    assert "events_count_30d" not in names


def test_version_tells_parameters_apart() -> None:
    assert feature_set_version(FeatureParams()) == feature_set_version(FeatureParams())
    assert feature_set_version(FeatureParams()) != feature_set_version(FeatureParams(used_features=("search",)))
    assert len({feature_set_version(SHOWN, basis) for basis in (None, "a funnel", "another")}) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"windows_days": (0,)},
        {"windows_days": ()},
        {"used_features": ("wish list", "Wish-List")},
        {"used_features": ("??",)},
        {"platforms": ("web", "Other")},
    ],
)
def test_parameters_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FeatureParams.model_validate(wrong)


def test_a_used_feature_that_takes_another_column_is_refused() -> None:
    # used_<name>_count_<window> of the event 'features distinct' is the column of the distinct count
    with pytest.raises(ConfigurationError, match="used_features_distinct_count_7d"):
        catalogue(FeatureParams(used_features=("features distinct",)))


def test_slug() -> None:
    assert name_column("  Add-to Cart!") == "add_to_cart"


def test_page_is_current() -> None:
    page = (PROJECT / "docs" / "features.md").read_text(encoding="utf-8")
    assert page == catalogue_page(SHOWN), "run: python -m segmentation.features.catalogue_page > docs/features.md"


def test_page_shows_every_feature() -> None:
    params = SHOWN
    page = catalogue_page(params)
    rows = re.findall(r"^\| `([^`{]+)(?:{(.+)})?` \|", page, flags=re.MULTILINE)
    shown = {stem + window for stem, windows in rows for window in windows.split(",")}
    assert shown == {feature.name for feature in catalogue(params)}
