"""Typed parameters: frozen, unknown keys refused with the nearest known one, with a fingerprint; read from YAML."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from segmentation.errors import ConfigurationError, nearest
from segmentation.time_zones import check_zone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic.fields import FieldInfo

M = TypeVar("M", bound="Parameters")
D = TypeVar("D", bound="Declared")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


RENAMED = {
    "slice_mb": "batch_mb",
    "horizon_days": "dedup_window_days",
    "lateness_days": "allowed_lateness_days",
    "user_day_cap": "max_events_per_user_day",
}
"""Former name of a key -> its name now. A key with a former name is refused, and the message gives the new one."""

Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""One text, or a list of them."""


class Parameters(BaseModel):
    """Parameters of one stage. Two equal parameter sets have equal fingerprints, in any process.

    The docstring under a field is its description: docs/configuration.md is made of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the SHA-256 of the canonical JSON of all values."""
        return fingerprint_of(self.model_dump(mode="json"))

    @classmethod
    def fields_by_key(cls) -> dict[str, FieldInfo]:
        """Return the fields by their keys in YAML."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}


def fingerprint_of(value: object) -> str:
    """Fingerprint any JSON-like value: first 16 hex digits of the SHA-256 of its canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Declared(Parameters):
    """A declaration in a file of its own, with the name of the file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")


class CurrencyRate(Parameters):
    """Value of one unit of a currency in the reporting currency, from a day on."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    """ISO 4217 code."""
    since: date
    """First day of the reporting zone on which the rate holds; it does until the currency's next one."""
    rate: Decimal = Field(gt=0, max_digits=18, decimal_places=8)
    """Units of the reporting currency."""


class WorkspaceParams(Parameters):
    """Parameters that all stages share."""

    time_zone: str = "UTC"
    """Reporting zone: days are days of this zone. Part of what shapes every table."""
    currency: str = "USD"
    """Reporting currency; values in another are taken at its rate, or left out of sums and counted (`no_rate`)."""
    rates: tuple[CurrencyRate, ...] = ()
    """Rates of other currencies: the lines of `conf/rates.csv`, where there is one. Rates for days to come are taken up
    by the next `ingest_events`; whatever would change values that are stored asks for its `--rebuild`."""
    conversion_events: tuple[str, ...] = ("purchase",)
    """Event names that are purchases, of sources whose mapping names neither conversions nor refunds."""
    refund_events: tuple[str, ...] = ("cancellation", "refund", "return")
    """Event names that take money back, of the same sources."""

    @model_validator(mode="after")
    def _either_or(self) -> WorkspaceParams:
        both = sorted({*self.conversion_events} & {*self.refund_events})
        if both:
            raise ValueError(f"conversion_events and refund_events both name {', '.join(both)}")
        return self

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, time_zone: str) -> str:
        return check_zone(time_zone)

    @field_validator("rates")
    @classmethod
    def _in_order(cls, rates: tuple[CurrencyRate, ...]) -> tuple[CurrencyRate, ...]:
        keys = sorted((rate.currency, rate.since) for rate in rates)
        twice = [f"{one[0]} since {one[1]}" for one, next_ in pairwise(keys) if one == next_]
        if twice:
            raise ValueError(f"there are two rates of {', '.join(twice)}")
        return tuple(sorted(rates, key=lambda rate: (rate.currency, rate.since)))

    @property
    def fingerprint(self) -> str:
        """Fingerprint of all but the rates, which have one of their own: they may grow."""
        return fingerprint_of(self.model_dump(mode="json", exclude={"rates"}))

    @property
    def rates_fingerprint(self) -> str:
        """Fingerprint of the rates."""
        return fingerprint_of(self.model_dump(mode="json", include={"rates"}))


class _Loader(yaml.SafeLoader):
    """Only true and false are booleans, as in YAML 1.2: a column may be called `no`, and an event `on`."""


_BOOLEAN = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def parse_yaml(text: str) -> Any:
    """Read YAML.

    Raises:
        yaml.YAMLError: it is none.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader of our own


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ConfigurationError: the file is missing, is not YAML, or is not a mapping.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path} does not exist")
    try:
        content = parse_yaml(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} must hold a mapping of keys to values")
    return content


def load_declared(folder: Path, model: type[D]) -> tuple[D, ...]:
    """Read all files of a folder of declarations, sorted by name; where there is no folder there are none.

    Raises:
        ConfigurationError: a file is not YAML, not what it should be, or not named like what it declares.
    """
    loaded = []
    for path in sorted(folder.glob("*.yaml")):
        one = validated(model, read_yaml(path), str(path))
        if one.name != path.stem:
            raise ConfigurationError(
                f"{path}: the {model.__name__.lower()} is named '{one.name}': name the file {one.name}.yaml"
            )
        loaded.append(one)
    return tuple(loaded)


def validated(model: type[M], values: dict[str, Any], origin: str) -> M:
    """Build a parameter model, translating pydantic's errors into messages that name file, key and remedy.

    Raises:
        ConfigurationError: one line per problem.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [describe_problem(model, problem) for problem in error.errors()]
        raise ConfigurationError(f"{origin}: " + "; ".join(problems)) from error


def describe_problem(model: type[Parameters], problem: Any) -> str:
    """Describe one problem that pydantic found, with the nearest known key for an unknown one."""
    path = [str(part) for part in problem["loc"]]
    key = ".".join(path)
    if problem["type"] != "extra_forbidden":
        message = str(problem["msg"]).removeprefix("Value error, ")
        return f"{key}: {message}" if key else message
    known = _keys_at(model, path[:-1])
    successor = RENAMED.get(path[-1])
    if successor in known:
        return f"'{key}' is now called '{'.'.join([*path[:-1], successor])}'"
    return f"unknown key '{key}'{nearest(path[-1], known)}"


def _keys_at(model: type[Parameters], path: Sequence[str]) -> list[str]:
    """Return the keys that may stand at a path; pydantic's paths name the member of a tagged union too."""
    here: Any = model
    for part in path:
        here = _inside(here, part)
    return list(here.fields_by_key()) if _is_model(here) else []


def _inside(kind: Any, part: str) -> Any:
    kind = _bare(kind)
    if _is_model(kind):
        field = kind.fields_by_key().get(part)
        return kind if field is None else _bare(field.annotation)
    members = [_bare(member) for member in get_args(kind) if member is not Ellipsis]
    tagged = (m for m in members if _is_model(m) and any(get_args(f.annotation) == (part,) for f in _fields(m)))
    return next(tagged, members[-1] if members else kind)


def _bare(kind: Any) -> Any:
    """Take off what Annotated adds, and None from `X | None`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    some = [member for member in get_args(kind) if member is not type(None)]
    return _bare(some[0]) if len(some) == 1 and type(None) in get_args(kind) else kind


def _fields(model: type[Parameters]) -> list[Any]:
    return list(model.model_fields.values())


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Parameters)
