"""What conf/identities.yaml may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmentation.errors import ConfigurationError
from segmentation.identities.params import FILE, IdentityParams, load_identities

PROJECT = Path(__file__).parents[3]


def load(folder: Path, text: str) -> IdentityParams:
    (folder / FILE).write_text(text, encoding="utf-8")
    return load_identities(folder)


def test_without_a_file_no_identifiers_are_declared(tmp_path: Path) -> None:
    assert load_identities(tmp_path) == IdentityParams()


def test_the_projects_own_names_sources_that_are_there() -> None:
    declared = load_identities(PROJECT / "conf")
    assert declared.sources
    assert all((PROJECT / "conf" / "sources" / f"{name}.yaml").is_file() for name in declared.sources)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("persons: [logn]\nsources: {web: {login: identifier}}", "did you mean 'login'"),
        ("sources: {web: {login: user}}", "'user' is neither known_id, anonymous_id, identifier nor properties.<name>"),
        ("sources: {web: {login: properties.}}", "'properties.' is neither"),
        ("sources: {web: {'a:b': identifier}}", "rename 'a:b'"),
        ("persons: [login]\nsources: {web: {login: identifier}}\napart: [[anna, login:b]]", "<namespace>:<value>"),
        ("lookback: 3", "lookback_days"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=FILE) as error:
        load(tmp_path, text)
    assert told in str(error.value)
