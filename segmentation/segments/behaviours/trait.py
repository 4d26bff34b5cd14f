"""`trait`: whether a trait of a user has a certain value at the cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, FiniteFloat, model_validator
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.parameters import fingerprint_of
from segmentation.profiles.params import FILE, NUMBERS, load_profiles
from segmentation.segments.behaviours.behaviour import Behaviour
from segmentation.sequences.states import fits_any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import Column, DataFrame

    from segmentation.segments.behaviours.behaviour import Declarations


def _as_texts(value: Any) -> Any:
    """Write values as they are stored: YAML reads `true` and `5` as what they are."""
    listed = value if isinstance(value, list | tuple) else [value]
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in listed)


Values = Annotated[tuple[str, ...], BeforeValidator(_as_texts)]


class HasTrait(Behaviour):
    """Whether a trait of the user has one of some values at the cut, or any value: 1 or 0.

    The value is the one known at the cut. A user without a value has none that is asked for.
    """

    key: ClassVar[str] = "trait"
    reads: ClassVar[tuple[str, ...]] = ("traits",)
    is_compared: ClassVar[bool] = False
    is_outcome: ClassVar[bool] = False
    is_of_accounts: ClassVar[bool] = False

    name: str = Field(alias="trait")
    """Name of a trait (conf/profiles.yaml). Without further keys: it has a value."""
    values: Values = Field(default=(), alias="is")
    """Values (in which `*` is any text), one of which must fit."""
    at_least: FiniteFloat | None = None
    """Least value of a number."""
    at_most: FiniteFloat | None = None
    """Greatest value of a number."""

    @model_validator(mode="after")
    def _has_its_value_at_the_cut(self) -> HasTrait:
        if self.within_days is not None:
            raise ValueError(f"trait {self.name} has its value at the cut: leave out within_days")
        if self.values and self.is_number:
            raise ValueError(f"trait {self.name}: give is, or at_least and at_most")
        return self

    @property
    def is_number(self) -> bool:
        """Return whether the value is compared as a number."""
        return self.at_least is not None or self.at_most is not None

    def __str__(self) -> str:
        """Describe the measure, for example `trait plan is pro or team`."""
        bounds = {"at least": self.at_least, "at most": self.at_most}
        limits = " and ".join(f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None)
        return f"trait {self.name} is {limits or ' or '.join(self.values) or 'known'}"

    def find_declarations(self, conf_dir: Path, *, file: str) -> Mapping[str, str]:
        """Return the fingerprint of the trait and of the ranks of sources."""
        profiles = load_profiles(conf_dir)
        declared = profiles.require(self.name, where=file)
        if self.is_number and declared.type not in NUMBERS:
            kind = f"is of type {declared.type}, and at_least and at_most compare numbers"
            raise ConfigurationError(f"{file}: trait '{self.name}' {kind}: use is, or give it a type in {FILE}")
        return {f"{FILE} {self.name}": fingerprint_of([declared.type, profiles.sources])}

    @classmethod
    def measure(cls, asked: Sequence[HasTrait], tables: Mapping[str, DataFrame], given: Declarations) -> DataFrame:  # noqa: ARG003  the values are those of the cut
        """Compare the values of all traits in one pass."""
        of_asked = tables["traits"].where(F.col("trait").isin(*sorted({one.name for one in asked})))
        fitting = (F.max(one.fits().cast("bigint")).alias(one.column) for one in asked)
        return of_asked.groupBy("user_id").agg(*fitting)

    def fits(self) -> Column:
        """Return whether a row of trait values fits; never null."""
        fits = F.col("trait") == self.name
        if self.values:
            fits &= fits_any(F.col("value"), self.values)
        number = F.col("value").try_cast("double")
        if self.at_least is not None:
            fits &= number >= self.at_least
        if self.at_most is not None:
            fits &= number <= self.at_most
        return F.coalesce(fits, F.lit(False))
