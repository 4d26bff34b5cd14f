"""Pull the objects of an API that changed since the last pull, and land their rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from segmentation.errors import DataError
from segmentation.pulls.landing import complete_name, find_position, landed_files, landed_name
from segmentation.pulls.objects import read_objects
from segmentation.pulls.rows import find_value, read_keys, read_time, rows_of_object, write_lines, write_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segmentation.pulls.declaration import PullDeclaration
    from segmentation.pulls.landing import LandingFolder, Position

Object = tuple[datetime, dict[str, Any]]
"""An object and its cursor."""


class PullResult(NamedTuple):
    """Counts of a pull."""

    objects: int
    """Objects that the API returned, repeated ones among them."""
    rows: int
    """Rows that were landed."""
    files: int
    until: datetime
    """Cursor of the last object."""


def pull_objects(declaration: PullDeclaration, folder: LandingFolder) -> PullResult:
    """Land the rows of all objects that changed since the last pull.

    A pull that is killed continues behind its last file. The API returns some objects again: those with the cursor of
    the last one, and those that changed meanwhile. Their rows that were landed are not landed again. The pull ends when
    the API has no later object.

    Raises:
        ConfigurationError, DataError, RetryableError: as :func:`segmentation.pulls.objects.read_objects`; a DataError
            also where the API does not order objects by the cursor.
    """
    names = folder.names()
    position = find_position(names, declaration.cursor.begin)
    overlap = timedelta(seconds=declaration.cursor.overlap_s)
    after = position.floor - overlap
    landed = _landed_after(folder, names, declaration, after)
    done, start = _Done(position), position.cursor - overlap
    while True:
        rows_before = done.rows
        for number, page in enumerate(_pages(declaration, start)):
            found = [rows_of_object(item, declaration, after) for _, item in page]
            new = {key: line for rows in found for key, line in rows.items() if key not in landed}
            done = _land(done, page, new, declaration, folder)
            landed.update(new)
            if declaration.requery and page[-1][0] > start and len(page) == declaration.page_objects:
                # More objects than a page holds have the cursor `start`: their pages may have shifted, so ask again.
                is_shifting = number > 0 and done.rows > rows_before
                start = start if is_shifting else page[-1][0]
                break
        else:
            break  # the API has no later object
    if complete_name(done.position) not in names:
        folder.land(complete_name(done.position), "")
    return PullResult(done.objects, done.rows, done.files, done.position.cursor)


class _Done(NamedTuple):
    """Counts of a pull so far, and its position."""

    position: Position
    objects: int = 0
    rows: int = 0
    files: int = 0


def _land(
    done: _Done, page: Sequence[Object], new: Mapping[bytes, str], declaration: PullDeclaration, folder: LandingFolder
) -> _Done:
    """Land the new rows of a page as a file; without any, only the position moves, in memory."""
    position = done.position._replace(cursor=max(done.position.cursor, page[-1][0]))
    if new:
        name = landed_name(position, position.cursor, declaration.format)
        folder.land(name, write_lines(new.values(), declaration))
        position = position._replace(next_number=position.next_number + 1)
    return _Done(position, done.objects + len(page), done.rows + len(new), done.files + bool(new))


def _landed_after(
    folder: LandingFolder, names: Sequence[str], declaration: PullDeclaration, after: datetime
) -> set[bytes]:
    """Return the keys of landed rows that the API may return again: those of this window, and of the overlap."""
    files = [file for file in landed_files(names) if file.until >= after]
    return {key for file in files for key in read_keys(folder.read(file.name), declaration)}


def _pages(declaration: PullDeclaration, start: datetime) -> Iterator[list[Object]]:
    """Return the objects from a time on in lists of `page_objects`."""
    page: list[Object] = []
    previous = start
    for listed, whole in read_objects(declaration, write_time(start, declaration.cursor.form)):
        value = find_value(listed, declaration.cursor.path)
        if value is None:
            raise DataError(f"pull {declaration.name}: an object has no {declaration.cursor.path}, its cursor")
        at = read_time(value, declaration.cursor.path)
        if at < start:  # `{from}` is cut to the precision of its form
            continue
        if at < previous:
            raise DataError(
                f"pull {declaration.name}: the API does not order objects by {declaration.cursor.path}; "
                "objects would be lost: correct the order in `resource`"
            )
        previous = at
        page.append((at, whole))
        if len(page) == declaration.page_objects:
            yield page
            page = []
    if page:
        yield page
