"""The site's folder: whoever reads it meanwhile sees the old site or the new one, and nothing is left over."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event, Thread

import pytest

from segmentation.filesystem.folder import KEPT, publish_folder

OLD = {"index.html": "old", "health.html": "old", "gone.csv": "old"}
NEW = {"index.html": "new", "health.html": "new"}


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def read_at(folder: int, name: str) -> bytes:
    with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as file:
        return file.read()


def test_a_site_takes_the_place_of_the_one_before_as_a_whole(tmp_path: Path) -> None:
    link = tmp_path / "review"
    for files, run in ((OLD, "r1"), (NEW, "r2"), (OLD, "r3"), (NEW, "r3")):
        publish_folder(link, files, run)
        assert read(link) == files
    assert {path.name for path in (tmp_path / KEPT).iterdir()} <= {"r2", "r3", ".lock"}


def test_a_reader_never_sees_half_of_a_site(tmp_path: Path) -> None:
    link, done, torn = tmp_path / "review", Event(), []
    publish_folder(link, OLD, "r0")

    def look() -> None:
        while not done.is_set():
            place = os.open(link, os.O_RDONLY)  # as a reader who is in the folder
            try:
                found = [read_at(place, name) for name in NEW]
            except FileNotFoundError:
                continue  # read for longer than two publications: the folder is gone as a whole
            finally:
                os.close(place)
            if len(set(found)) != 1:
                torn.append(found)

    reader = Thread(target=look)
    reader.start()
    for number in range(1, 60):
        publish_folder(link, NEW if number % 2 else OLD, f"r{number}")
    done.set()
    reader.join()
    assert torn == []


def test_a_site_that_could_not_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, write = tmp_path / "review", Path.write_text
    publish_folder(link, OLD, "r1")

    def full(path: Path, *args: object, **kwargs: object) -> int:
        if path.name == "health.html":
            raise OSError(28, "No space left on device")
        return write(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        publish_folder(link, NEW, "r2")
    assert read(link) == OLD


def test_a_plain_folder_of_before_is_taken_over(tmp_path: Path) -> None:
    link = tmp_path / "review"
    link.mkdir()
    (link / "index.html").write_text("long ago")
    publish_folder(link, NEW, "r1")
    assert read(link) == NEW
    assert {path.name for path in (tmp_path / KEPT).iterdir()} == {"r1", ".lock"}


def test_without_links_files_are_replaced_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    link = tmp_path / "review"
    for files, run in ((OLD, "r1"), (NEW, "r2")):
        publish_folder(link, files, run)
    assert read(link).items() >= NEW.items()
