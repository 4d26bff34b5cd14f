"""Declare traits, their types and the ranks of sources: `conf/profiles.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field, StringConstraints, field_validator

from segmentation.errors import ConfigurationError, nearest
from segmentation.parameters import Parameters, fingerprint_of, read_yaml, validated
from segmentation.sources.mapping import list_sources, load_mapping

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

FILE = "profiles.yaml"
TEXT, INTEGER, DECIMAL, BOOLEAN = "text", "integer", "decimal", "boolean"
NUMBERS = (INTEGER, DECIMAL)
ACCOUNT = "account"
"""The trait that tells the account of a person."""
TraitName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Trait(Parameters):
    """A trait of persons."""

    type: Literal["text", "integer", "decimal", "boolean"] = "text"
    """Type of the values; a value that is not of the type is left out and counted."""
    description: str = ""
    """Description for readers."""


class ProfileParams(Parameters):
    """Traits by name, and the sources that tell them."""

    traits: dict[TraitName, Trait] = Field(default_factory=dict)
    sources: tuple[str, ...] = ()
    """Sources, best first: of two values of one instant that of the first source counts. Others rank below them."""

    @field_validator("sources")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"sources: {', '.join(twice)} has two ranks")
        return value

    def rank(self, source: str) -> int:
        """Return the rank of a source; the greatest is best, 0 is that of sources without one."""
        return len(self.sources) - self.sources.index(source) if source in self.sources else 0

    def require(self, trait: str, *, where: str) -> Trait:
        """Return a declared trait.

        Raises:
            ConfigurationError: there is none of this name; names the place that asks for it, and the nearest.
        """
        if trait not in self.traits:
            raise ConfigurationError(f"{where}: {FILE} declares no trait '{trait}'{nearest(trait, self.traits)}")
        return self.traits[trait]


class TraitPlace(NamedTuple):
    """A property of a source's events that tells a declared trait."""

    source: str
    trait: str
    type: str
    property: str
    events: tuple[str, ...]
    """Names of the events that tell it; empty: all events that have the property."""


def load_profiles(conf_dir: Path) -> ProfileParams:
    """Load the declaration; where there is no file no traits are declared.

    Raises:
        ConfigurationError: the file is not valid, or ranks a source that does not exist.
    """
    path = conf_dir / FILE
    if not path.is_file():
        return ProfileParams()
    params = validated(ProfileParams, read_yaml(path), str(path))
    known = list_sources(conf_dir)
    for name in params.sources:
        if name not in known:
            raise ConfigurationError(f"{path}: sources: there is no source '{name}'{nearest(name, known)}")
    return params


def find_places(conf_dir: Path, params: ProfileParams, ingested: Collection[str]) -> tuple[TraitPlace, ...]:
    """Return where the mappings of ingested sources tell declared traits, sorted. Mappings may tell further traits.

    Raises:
        ConfigurationError: a mapping is not valid.
    """
    if not params.traits:
        return ()
    mappings = [load_mapping(conf_dir, source) for source in list_sources(conf_dir) if source in ingested]
    return tuple(
        TraitPlace(mapping.name, trait, params.traits[trait].type, place.property_name, place.events)
        for mapping in mappings
        for trait, place in sorted(mapping.traits.items())
        if trait in params.traits
    )


def find_account_places(conf_dir: Path, ingested: Collection[str]) -> tuple[TraitPlace, ...]:
    """Return where the mappings of ingested sources tell the account of an event itself, sorted.

    Raises:
        ConfigurationError: a mapping is not valid.
    """
    mappings = (load_mapping(conf_dir, source) for source in list_sources(conf_dir) if source in ingested)
    return tuple(
        TraitPlace(mapping.name, ACCOUNT, TEXT, mapping.account_id.property_name, mapping.account_id.events)
        for mapping in mappings
        if mapping.account_id is not None
    )


def fingerprint_places(params: ProfileParams, places: tuple[TraitPlace, ...]) -> str:
    """Fingerprint what shapes observations and profiles: places, types and ranks."""
    return fingerprint_of([[list(place) for place in places], list(params.sources)])
