"""Parameters of privacy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from segmentation.parameters import Parameters, fingerprint_of

USER, EVENT_ID = "user", "event_id"
PROPERTY = "properties."
"""A property is named with this before it."""


def check_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what cannot become a pseudonym.

    Raises:
        ValueError: names the first that is neither user, event_id nor a property.
    """
    for name in names:
        if name not in (USER, EVENT_ID) and not (name.startswith(PROPERTY) and name != PROPERTY):
            raise ValueError(f"'{name}' cannot become a pseudonym: give user, event_id or properties.<name>")
    return tuple(sorted(set(names)))


class PrivacyParams(Parameters):
    """Pseudonyms for personal data before they are stored; off unless a field is named."""

    pseudonymise: tuple[str, ...] = ()
    """Fields that become keyed pseudonyms in every source: `user`, `event_id`, `properties.<name>`. A mapping may name
    more."""
    keep_properties: tuple[str, ...] | None = None
    """Only these properties are stored, of every source whose mapping has no list of its own; null: all."""
    key_id: str = Field(default="k1", pattern=r"^[a-z0-9]{1,16}$")
    """Name of the key, which every pseudonym begins with: another key gets another name."""
    key_env: str = "SEGMENTATION_PRIVACY_KEY"
    """Environment variable that holds the key: at least 64 hexadecimal digits. The key itself is never configured."""
    key_file: str | None = None
    """File that holds the key (a mounted secret); null: the environment variable does."""
    raw_days: int = Field(default=30, ge=0)
    """`drop_raw_text` takes the sealed text of quarantined records whose file is older than this away."""

    @field_validator("pseudonymise")
    @classmethod
    def _known_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_names(value)

    @property
    def shaping(self) -> str:
        """Fingerprint of what shapes the tables; where the key is kept does not."""
        return fingerprint_of(self.model_dump(mode="json", exclude={"key_env", "key_file", "raw_days"}))


class ConsentEvent(Parameters):
    """Consent that is stated by events of one name."""

    purpose: str = Field(min_length=1)
    """The purpose, or `properties.<name>` that holds one or, separated by commas, several."""
    granted: bool | str
    """true, false, or `properties.<name>`: true, 1, yes and granted grant, anything else withdraws."""

    @field_validator("purpose", "granted")
    @classmethod
    def _known_place(cls, value: bool | str) -> bool | str:  # noqa: FBT001  a field that is either
        if isinstance(value, str) and (value == PROPERTY or "'" in value):
            raise ValueError(f"'{value}' names no property: give properties.<name>")
        return value

    @model_validator(mode="after")
    def _granted_is_told(self) -> ConsentEvent:
        if isinstance(self.granted, str) and not self.granted.startswith(PROPERTY):
            raise ValueError("granted is true, false or properties.<name>")
        return self


class ConsentParams(Parameters):
    """Purposes that users must allow before anything is computed about them; none by default."""

    events: dict[str, ConsentEvent] = Field(default_factory=dict)
    """Event name -> what it says."""
    needed: tuple[str, ...] = ()
    """Purposes that a user must have granted, all of them, to get features, and with them segments and scores."""
    otherwise: Literal["denied", "granted"] = "denied"
    """Consent of a user who has stated nothing about a purpose."""

    @field_validator("needed")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(value)))

    @model_validator(mode="after")
    def _told_by_events(self) -> ConsentParams:
        if self.needed and not self.events:
            raise ValueError("consent.needed names purposes, but no consent.events tell who granted them")
        return self
