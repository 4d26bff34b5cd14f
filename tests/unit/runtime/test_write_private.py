"""Files for one reader: complete or not there, and never readable by others."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from segmentation.errors import ConfigurationError
from segmentation.filesystem import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_write_private__readable_by_its_owner_alone_whatever_the_mask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(f"file:{tmp_path}/a.json", ["{", "é}"])
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "{\né}\n"
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o600


def test_write_private__nothing_is_left_if_the_lines_end_early(tmp_path: Path) -> None:
    def lines() -> Iterator[str]:
        yield "half"
        raise RuntimeError("an executor was lost")

    (tmp_path / "a.json").write_text("before")
    with pytest.raises(RuntimeError):
        write_private(str(tmp_path / "a.json"), lines())
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.json", "before")]


@pytest.mark.parametrize(("name", "words"), [("none/a.json", "No such file"), ("", "it is a folder")])
def test_write_private__refused(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        write_private(str(tmp_path / name), ["a"])
    assert list(tmp_path.iterdir()) == []
