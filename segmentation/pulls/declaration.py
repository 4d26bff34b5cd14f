"""Define and load the declaration of a pull, conf/pulls/<name>.yaml."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator, model_validator

from segmentation.errors import ConfigurationError, nearest
from segmentation.parameters import Declared, Parameters, read_yaml, validated

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "pulls"
TimeForm = Literal["iso", "ms", "s", "day"]
PATH = re.compile(r"^(=.*|[A-Za-z_]\w*(\[\d+\])?(\.\w+(\[\d+\])?)*)$")


class CursorParams(Parameters):
    """The time by which the API orders its objects: the pull continues from it."""

    path: str = Field(pattern=PATH.pattern)
    """Path of this time in a listed object."""
    form: TimeForm = "iso"
    """Form of `{from}` in requests: ISO 8601 in UTC, milliseconds or seconds since 1970, or a day (2024-03-01)."""
    begin: datetime = datetime(2000, 1, 1, tzinfo=timezone.utc)
    """The first pull begins here."""
    overlap_s: int = Field(default=0, ge=0)
    """Seconds before the last position at which a pull begins, for objects that the API shows late."""


class ColumnParams(Parameters):
    """A column of landed rows."""

    path: str | None = Field(default=None, pattern=PATH.pattern)
    """`a.b[0].c` within the object, `each.x` within an element of the list, or `=text`, a constant; not given: null."""
    form: TimeForm | None = None
    """Write a time in this form; not given: the value as it is."""
    case: Literal["lower"] | None = None
    """Write a text in lower case."""


class RowRule(Parameters):
    """One kind of row that an object becomes."""

    each: str | None = Field(default=None, pattern=PATH.pattern)
    """A list in the object: a row per element. Not given: one row."""
    at: str = Field(pattern=PATH.pattern)
    """Time of what the row describes. Rows without it, and rows of an earlier pull, are not landed."""
    columns: dict[str, ColumnParams]

    @field_validator("columns", mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: spec if isinstance(spec, dict) else {"path": spec} for name, spec in value.items()}


class DetailParams(Parameters):
    """A second request for each object, for what a list of objects does not hold. It replaces the object."""

    path: str
    """Below the base URL; `{id}` is the id of the object."""
    params: dict[str, str] = Field(default_factory=dict)


class PullDeclaration(Declared):
    """Rules by which objects of an API become the files of a source."""

    description: str = ""
    source: str
    """The mapping that reads the landed files."""
    counts: bool = False
    """The files are an outside count of the source's events, for reconcile_counts, and not its records."""
    base_url: str
    """Address of the API; `${NAME}` is taken from the environment."""
    hosts: tuple[str, ...] = Field(min_length=1)
    """Hosts that requests may go to; `*.example.com` allows all below example.com."""
    allow_loopback: bool = False
    """Allow http to this machine: for tests against a fake."""
    token: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    """Environment variable that holds the token."""
    token_header: str | None = None
    """Header that carries the token; not given: `Authorization: Bearer`."""
    resource: dict[str, Any]
    """A resource of dlt's `rest_api`: lists objects in the order of the cursor. `{from}` is the time to begin at."""
    detail: DetailParams | None = None
    cursor: CursorParams
    requery: bool = False
    """Ask anew from the last object after each page: for APIs whose pages shift while objects change."""
    page_objects: int = Field(default=100, ge=1)
    """Objects of one landed file at most."""
    format: Literal["csv", "json"] = "json"
    """Format of the landed files: that of the mapping."""
    key: tuple[str, ...] = Field(min_length=1)
    """Columns that identify a row. A row is landed once, as it was first read."""
    rows: tuple[RowRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _columns_fit(self) -> PullDeclaration:
        if len({tuple(rule.columns) for rule in self.rows}) > 1:
            raise ValueError("all `rows` must have the same columns in the same order")
        unknown = [name for name in self.key if name not in self.columns]
        if unknown:
            raise ValueError(f"key: '{unknown[0]}' is not a column of `rows`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of landed rows."""
        return tuple(self.rows[0].columns)


def load_pull(conf_dir: Path, name: str) -> PullDeclaration:
    """Load a declaration.

    Raises:
        ConfigurationError: there is none of this name, or it is not valid; names file and key.
    """
    folder = conf_dir / FOLDER
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = sorted(found.stem for found in folder.glob("*.yaml"))
        raise ConfigurationError(
            f"{path} does not exist{nearest(name, known)}; there are: {', '.join(known) or 'none'}"
        )
    return validated(PullDeclaration, {"name": name, **read_yaml(path)}, str(path))
