"""Describe a table of a database as a source, and find the ranges of it that have landed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field, field_validator

from segmentation.errors import DataError
from segmentation.parameters import Parameters
from segmentation.sources.secrets import ClientOptions, fill_in, refuse_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

DRIVERS = {"jdbc:postgresql:": "org.postgresql.Driver"}
"""Drivers that a url tells; others are named by `driver`."""
BEGIN = "begin"
LANDED_NAME = re.compile(r"/(begin|-?\d+)_(-?\d+)\.(\d+)of(\d+)\.parquet$")
"""End of the path of a landed file: watermarks from and until, number of the part, number of parts."""


class JdbcParams(Parameters):
    """The table that a source's records come from. None of this shapes the tables: it is left out of fingerprints."""

    url: str = Field(pattern=r"^(jdbc:|\$\{)")
    """`jdbc:postgresql://host/database`; `${NAME}` is taken from the environment."""
    table: str
    """Table or view, or a query in parentheses."""
    watermark: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Column that grows as rows come: a whole number or a time, never null. Rows are read by it, and never twice."""
    overlap: int = Field(default=0, ge=0)
    """Distance before the last watermark at which reading begins again: seconds of a time, or a number. For rows
    that are committed in another order than they got their watermark; rows that are read again count as duplicates."""
    file_rows: int = Field(default=500_000, ge=1)
    """Rows that land as one file at most."""
    fetch_rows: int = Field(default=10_000, ge=1)
    """Rows that the driver fetches at a time."""
    driver: str | None = None
    """Class of the driver; known for PostgreSQL."""
    options: ClientOptions = Field(default_factory=dict)
    """Options of Spark's JDBC reader and of the driver (user, password ...). `${NAME}` is taken from the environment,
    `${file:/path}` from a file; passwords cannot be written out."""

    @field_validator("url")
    @classmethod
    def _no_secret_url(cls, value: str) -> str:
        return refuse_secrets({"url": value})["url"]

    def reader(self) -> dict[str, str]:
        """Return the options of Spark's reader but for what is read, secrets in their places: not to be shown.

        Raises:
            ConfigurationError: a variable is not set or a file cannot be read; names it.
        """
        given = {"url": self.url, "fetchsize": str(self.fetch_rows), "preferTimestampNTZ": "true", **self.options}
        filled = {name: fill_in(text, "jdbc") for name, text in given.items()}
        known = (name for prefix, name in DRIVERS.items() if filled["url"].startswith(prefix))
        driver = self.driver or next(known, None)
        return filled if driver is None else {**filled, "driver": driver}


class Stretch(NamedTuple):
    """Rows of a table by watermark: as numbers, or microseconds since 1970 of a time."""

    after: int | None
    """Watermark up to which earlier stretches reach; None: this is the first."""
    until: int
    """Greatest watermark, inclusive."""

    def name(self, part: int, parts: int) -> str:
        """Name the file of a part, counted from 1; the stretch has landed when all its parts have."""
        return f"{BEGIN if self.after is None else self.after}_{self.until}.{part}of{parts}.parquet"


class Landed(NamedTuple):
    """Landed files in a source's folder."""

    until: int | None
    """Watermark up to which stretches are complete; None: there is none."""
    whole: list[str]
    """Files of complete stretches."""
    broken: list[str]
    """Files of stretches that a run did not finish."""


def sort_landed(paths: Iterable[str]) -> Landed:
    """Tell the files of complete stretches from what a dead run left."""
    stretches: dict[tuple[str, str, str], list[str]] = {}
    for path in sorted(paths):
        found = LANDED_NAME.search(path)
        if found is not None:
            after, until, _, parts = found.groups()
            stretches.setdefault((after, until, parts), []).append(path)
    whole = {key: files for key, files in stretches.items() if len(files) == int(key[2])}
    broken = [path for key, files in stretches.items() if key not in whole for path in files]
    until = max((int(key[1]) for key in whole), default=None)
    return Landed(until, sorted(path for files in whole.values() for path in files), sorted(broken))


def next_stretch(params: JdbcParams, landed: Landed, greatest: int | None) -> Stretch | None:
    """Choose what is read next; None: nothing is new.

    Args:
        params: of the source.
        landed: what has landed.
        greatest: greatest watermark of the table now; None: it has no row.

    Raises:
        DataError: the table ends before what has landed: it was made anew, or rows were deleted.
    """
    if landed.until is not None and (greatest is None or greatest < landed.until):
        raise DataError(
            f"{params.table}: {params.watermark} up to {landed.until} was ingested, but its greatest is {greatest}: "
            "the table was made anew or cut off; give it a source of another name"
        )
    if greatest is None or greatest == landed.until:
        return None
    return Stretch(landed.until, greatest)


Kind = Literal["number", "instant", "local"]
"""Kind of a watermark: a whole number, an instant, or a time without a zone."""
