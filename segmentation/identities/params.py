"""Which identifiers events carry and what joins them: `conf/identities.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

from pydantic import Field, field_validator, model_validator

from segmentation.errors import nearest
from segmentation.parameters import Parameters, Texts, read_yaml, validated

if TYPE_CHECKING:
    from pathlib import Path

FILE = "identities.yaml"
IDENTIFIER, KNOWN, ANONYMOUS = "identifier", "known_id", "anonymous_id"
"""Columns of `events` that hold an identifier. `identifier` of a namespace of persons is not the id of a device."""
COLUMNS = (KNOWN, ANONYMOUS, IDENTIFIER)
PROPERTY = "properties."
BETWEEN = ":"
"""Between an identifier's namespace and its value."""
NUL = "\u0000"
"""Between the identifiers of a pair; declared ones do not hold it, so that a pair's text is no other pair's."""


class IdentityParams(Parameters):
    """Identifiers by namespace. A namespace that is not among `persons` is of devices: cookies, app installations."""

    persons: tuple[str, ...] = ()
    """Namespaces whose values each identify one person, always: login, e-mail hash, CRM id."""
    sources: dict[str, dict[str, Texts]] = Field(default_factory=dict)
    """Source -> namespace -> where its values stand in `events`, one place or several: `known_id`, `anonymous_id`,
    `identifier` or `properties.<name>`."""
    lookback_days: int = Field(default=30, ge=0)
    """Visits of a device before its first login are that person's, up to so many days (24 h) back; 0: none are."""
    max_persons_per_device: int = Field(default=5, ge=1)
    """A device that more persons logged in on is shared: visits without login stay the device's own."""
    apart: tuple[tuple[str, str], ...] = ()
    """Pairs of person identifiers (`login:anna`) that do not join persons, though events show them together."""

    @field_validator("sources")
    @classmethod
    def _known_places(cls, value: dict[str, dict[str, Texts]]) -> dict[str, dict[str, Texts]]:
        for source, namespaces in value.items():
            for namespace, place in ((name, place) for name, places in namespaces.items() for place in places):
                if BETWEEN in namespace:
                    raise ValueError(f"{source}: a namespace has no '{BETWEEN}': rename '{namespace}'")
                bare = place.removeprefix(PROPERTY)
                if place not in COLUMNS and (place == bare or not bare or "'" in bare):
                    raise ValueError(
                        f"{source}.{namespace}: '{place}' is neither {', '.join(COLUMNS)} nor properties.<name>"
                    )
        return value

    @field_validator("apart")
    @classmethod
    def _composed(cls, value: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Spell declared identifiers as those of events are."""
        return tuple((normalize("NFC", one), normalize("NFC", other)) for one, other in value)

    @model_validator(mode="after")
    def _known_namespaces(self) -> IdentityParams:
        known = sorted({namespace for places in self.sources.values() for namespace in places})
        for namespace in self.persons:
            if namespace not in known:
                raise ValueError(f"persons: no source has the namespace '{namespace}'{nearest(namespace, known)}")
        for identifier in (one for pair in self.apart for one in pair):
            namespace = identifier.split(BETWEEN)[0]
            if BETWEEN not in identifier or NUL in identifier or namespace not in self.persons:
                raise ValueError(f"apart: a pair names persons as <namespace>:<value>, namespace of {self.persons}")
        return self


def load_identities(conf_dir: Path) -> IdentityParams:
    """Load the declaration; where there is no file no identifiers are declared.

    Raises:
        ConfigurationError: the file is not valid; names the key.
    """
    path = conf_dir / FILE
    return validated(IdentityParams, read_yaml(path), str(path)) if path.is_file() else IdentityParams()
