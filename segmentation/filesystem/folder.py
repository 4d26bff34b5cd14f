"""The site's folder: replaced as a whole, so that a reader sees the old site or the new one."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from segmentation.filesystem.locks import hold_lock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

START = "index.html"
KEPT = ".review"
"""Folder beside the link that holds the present site, and the one before for who is reading it."""


def publish_folder(link: Path, files: Mapping[str, str], name: str) -> None:
    """Make `link` show these files and no others, in one step: it points to a folder, and another link replaces it.

    Two runs at once follow one another; the later one stays. Where the file system knows no links, the files are
    replaced one by one, each whole, the first page last.

    Args:
        link: where readers look.
        files: file name -> content.
        name: of the new folder; unique, as a run's id is.
    """
    kept = link.parent / KEPT
    kept.mkdir(parents=True, exist_ok=True)
    with hold_lock(kept / ".lock", wait=True):
        before = link.resolve().name
        site = kept / name
        shutil.rmtree(site, ignore_errors=True)
        site.mkdir()
        for file, content in files.items():
            (site / file).write_text(content, encoding="utf-8")
        if _point(link, site):
            _forget(kept, {name, before})
        else:
            _replace_files(link, site)


def _point(link: Path, site: Path) -> bool:
    """Exchange the link; return False where there can be none."""
    draft = site.with_name(f"{site.name}.link")
    draft.unlink(missing_ok=True)
    try:
        draft.symlink_to(os.path.relpath(site, link.parent))
    except OSError:
        return False
    if link.is_dir() and not link.is_symlink():  # written by a version that knew no links: once, never again
        link.rename(site.with_name(f"{site.name}.before"))
    draft.replace(link)
    return True


def _replace_files(folder: Path, site: Path) -> None:
    folder.mkdir(exist_ok=True)
    for file in sorted(site.iterdir(), key=lambda path: path.name == START):
        file.replace(folder / file.name)
    site.rmdir()


def _forget(kept: Path, names: set[str]) -> None:
    for path in kept.iterdir():
        if path.is_dir() and path.name not in names:
            shutil.rmtree(path)
