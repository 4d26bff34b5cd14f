"""Conditions of rule segments: comparisons of features and behaviours with numbers, and their combinations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    FiniteFloat,
    InstanceOf,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from segmentation.parameters import Parameters
from segmentation.segments import behaviours
from segmentation.segments.behaviours.behaviour import Behaviour

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

COMPARISON = ("op", "value", "percentile")
COMBINATIONS = ("all", "any", "not")


@dataclass(frozen=True)
class Bound:
    """One comparison of a feature or a behaviour with a number, or with a percentile over all users at the cut."""

    subject: str | Behaviour
    op: str
    number: float
    is_percentile: bool

    @property
    def label(self) -> str:
        """The comparison in words: the key of the resolved threshold."""
        return f"{self.subject} {self.op} {'percentile ' if self.is_percentile else ''}{self.number:g}"


class Condition(Parameters):
    """A comparison of a feature or a behaviour (op, value or percentile), or a combination (all, any, not).

    A feature that is null makes its comparison false, so `not` of that comparison is true: combine it with a
    condition that the feature is known where that matters. The keys of a behaviour (`behaviours.FAMILIES`) stand beside
    those of the condition.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    feature: str | None = None
    """Column of `user_features`."""
    op: Literal[">", ">=", "<", "<=", "==", "between"] | None = None
    """Comparison; `between` includes both ends."""
    value: FiniteFloat | tuple[FiniteFloat, FiniteFloat] | None = None
    """Threshold in the feature's unit; two for `between`."""
    percentile: float | tuple[float, float] | None = None
    """Threshold as an exact percentile (0 to 100) of the known values of all users at the cut."""
    all_of: tuple[Condition, ...] | None = Field(default=None, alias="all", min_length=1)
    any_of: tuple[Condition, ...] | None = Field(default=None, alias="any", min_length=1)
    negated: Condition | None = Field(default=None, alias="not")
    behaviour: InstanceOf[Behaviour] | None = Field(default=None, exclude=True)
    """The behaviour that is compared; not a key in YAML: the behaviour's own keys are."""

    @model_validator(mode="before")
    @classmethod
    def _parse_behaviour(cls, data: Any) -> Any:
        """Let the behaviour whose key is given parse its own keys. Unknown keys are left for pydantic to refuse."""
        if not isinstance(data, Mapping):
            return data
        rest = {key: value for key, value in data.items() if key not in _fields_of_behaviours()}
        if not data.keys() <= cls.fields_by_key().keys():
            return rest
        given = [key for key, value in data.items() if value is not None]
        if sum(key in given for key in _kinds()) != 1:
            raise ValueError(f"a condition has exactly one of {', '.join(_kinds())}")
        family = next((family for family in behaviours.FAMILIES if family.key in given), None)
        own = {} if family is None else family.fields_by_key()
        for key in (key for key in given if key not in own and key not in rest):
            fitting = [family.key for family in behaviours.FAMILIES if key in family.fields_by_key()]
            raise ValueError(f"{key} goes with {' or '.join(fitting)}")
        if family is None:
            return rest
        return {**rest, "behaviour": family.model_validate({key: data[key] for key in given if key in own})}

    @model_serializer(mode="wrap")
    def _write(self, write_rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write the keys of the behaviour beside the others, as in YAML."""
        behaviour = {} if self.behaviour is None else self.behaviour.as_written()
        return {**write_rest(self), **behaviour}

    @classmethod
    def fields_by_key(cls) -> dict[str, FieldInfo]:
        """Return the condition's fields, and those of all behaviours."""
        own = {key: field for key, field in super().fields_by_key().items() if key != "behaviour"}
        return {**own, **_fields_of_behaviours()}

    @model_validator(mode="after")
    def _check_comparison(self) -> Condition:
        given = [key for key in COMPARISON if getattr(self, key) is not None]
        if given and self.feature is None and (self.behaviour is None or not self.behaviour.is_compared):
            compared = [family.key for family in behaviours.FAMILIES if family.is_compared]
            raise ValueError(f"{given[0]} goes with {' or '.join(['feature', *compared])}")
        if self.feature is None and not given:
            return self  # a combination, or a behaviour of which once is enough
        what = self.subject
        if self.op is None or (self.value is None) == (self.percentile is None):
            raise ValueError(f"the condition on {what} needs op, and either value or percentile")
        if (self.op == "between") != (len(self.numbers) == 2):  # noqa: PLR2004  both ends
            raise ValueError(f"the condition on {what}: between takes [low, high], other ops one number")
        if list(self.numbers) != sorted(self.numbers):
            raise ValueError(f"the condition on {what}: between takes [low, high] in this order")
        if self.percentile is not None and not all(0 <= number <= 100 for number in self.numbers):  # noqa: PLR2004
            raise ValueError(f"the condition on {what}: a percentile lies between 0 and 100")
        return self

    @property
    def subject(self) -> str | Behaviour | None:
        """What is compared: a feature by name, or a behaviour; None for combinations."""
        return self.feature if self.behaviour is None else self.behaviour

    @property
    def numbers(self) -> tuple[float, ...]:
        """The thresholds as written; once, where a behaviour has none."""
        given = self.value if self.value is not None else self.percentile
        if given is None:
            return () if self.subject is None else (1,)
        return given if isinstance(given, tuple) else (given,)

    @property
    def parts(self) -> tuple[Condition, ...]:
        """The conditions that this one combines."""
        return (*(self.all_of or ()), *(self.any_of or ()), *((self.negated,) if self.negated else ()))

    @property
    def own_bounds(self) -> tuple[Bound, ...]:
        """The comparisons of this condition itself: two for `between`."""
        subject = self.subject
        if subject is None:
            return ()
        ops = (">=", "<=") if self.op == "between" else (self.op or ">=",)
        pairs = zip(ops, self.numbers, strict=True)
        return tuple(Bound(subject, op, number, self.percentile is not None) for op, number in pairs)

    def bounds(self) -> Iterator[Bound]:
        """All comparisons below this condition."""
        yield from self.own_bounds
        for part in self.parts:
            yield from part.bounds()


def _fields_of_behaviours() -> dict[str, FieldInfo]:
    return {key: field for family in behaviours.FAMILIES for key, field in family.fields_by_key().items()}


def _kinds() -> tuple[str, ...]:
    return ("feature", *(family.key for family in behaviours.FAMILIES), *COMBINATIONS)
