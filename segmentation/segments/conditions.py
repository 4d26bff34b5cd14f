"""Conditions of rule segments: comparisons of what is known of a user with numbers, and their combinations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field, FiniteFloat, model_validator

from segmentation.parameters import Parameters, Texts
from segmentation.segments.behaviour import Behaviour, Done, Reached
from segmentation.segments.visits import Passed, SessionKind, Visited
from segmentation.sequences.funnels import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("feature", "did", "reached", "session", "path")
"""What can be compared."""


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
    condition that the feature is known where that matters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    feature: str | None = None
    """Column of `user_features`."""
    did: Texts | None = Field(default=None, min_length=1)
    """Event names (in which `*` is any text), one of which must fit: how often the user did it. Without op and value:
    at least once."""
    where: dict[str, str] | None = Field(default=None, min_length=1)
    """With `did`: property -> text (in which `*` is any) that its value must be: buying one product, say."""
    then: str | None = None
    """With `did`: how often this state came right after that one in a session (states instead of event names)."""
    count: Literal["times", "days"] | None = None
    """With `did` or `session`: whether every time counts (if not given), or every day."""
    reached: str | None = None
    """Name of a funnel (conf/funnels): whether the user got to its `step`, within the window that the funnel has."""
    step: str | None = None
    """With `reached`: a state of the step."""
    session: SessionKind | None = None
    """How many sessions of a kind the user began. Without op and value: at least one."""
    path: Steps | None = Field(default=None, min_length=2)
    """Steps, each a state or a list of states of which any will do: how many sessions went through them in this order.
    Without op and value: at least one."""
    order: Literal["ordered", "strict"] | None = None
    """With `path`: whether other states may lie between the steps (`ordered`, if not given), or none."""
    within_days: int | None = Field(default=None, ge=1)
    """With `did`, `reached`, `session` or `path`: only the last n days before the cut; not given: ever. Sessions count
    on the day they began."""
    op: Literal[">", ">=", "<", "<=", "==", "between"] | None = None
    """Comparison; `between` includes both ends."""
    value: FiniteFloat | tuple[FiniteFloat, FiniteFloat] | None = None
    """Threshold in the feature's unit; two for `between`."""
    percentile: float | tuple[float, float] | None = None
    """Threshold as an exact percentile (0 to 100) of the known values of all users at the cut."""
    all_of: tuple[Condition, ...] | None = Field(default=None, alias="all", min_length=1)
    any_of: tuple[Condition, ...] | None = Field(default=None, alias="any", min_length=1)
    negated: Condition | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Condition:
        kinds = (*(getattr(self, kind) for kind in KINDS), self.all_of, self.any_of, self.negated)
        if sum(part is not None for part in kinds) != 1:
            raise ValueError(f"a condition has exactly one of {', '.join(KINDS)}, all, any, not")
        self._check_companions()
        if self._is_compared:
            self._check_comparison()
        return self

    def _check_companions(self) -> None:
        """Refuse what does not go with the kind of condition."""
        goes_with = {
            "then": ("did",),
            "where": ("did",),
            "count": ("did", "session"),
            "step": ("reached",),
            "order": ("path",),
            "within_days": ("did", "reached", "session", "path"),
            **dict.fromkeys(("op", "value", "percentile"), ("feature", "did", "session", "path")),
        }
        for key, kinds in goes_with.items():
            if getattr(self, key) is not None and all(getattr(self, kind) is None for kind in kinds):
                raise ValueError(f"{key} goes with {' or '.join(kinds)}")
        if self.reached is not None and self.step is None:
            raise ValueError(f"the condition on funnel {self.reached} needs step: a state of the step to be reached")
        if self.then is not None and self.where is not None:
            raise ValueError("then is about states, which have no properties: leave out where")
        if self.then is not None and self.count == "days":
            raise ValueError("then is counted in times, not in days")

    @property
    def _is_compared(self) -> bool:
        """Tell whether there is a comparison to check; without one, doing it once is enough."""
        return self.feature is not None or any(x is not None for x in (self.op, self.value, self.percentile))

    def _check_comparison(self) -> None:
        what = self.subject
        if self.op is None or (self.value is None) == (self.percentile is None):
            raise ValueError(f"the condition on {what} needs op, and either value or percentile")
        if (self.op == "between") != (len(self.numbers) == 2):  # noqa: PLR2004  both ends
            raise ValueError(f"the condition on {what}: between takes [low, high], other ops one number")
        if list(self.numbers) != sorted(self.numbers):
            raise ValueError(f"the condition on {what}: between takes [low, high] in this order")
        if self.percentile is not None and not all(0 <= number <= 100 for number in self.numbers):  # noqa: PLR2004
            raise ValueError(f"the condition on {what}: a percentile lies between 0 and 100")

    @property
    def subject(self) -> str | Behaviour | None:
        """What is compared: a feature by name, or a behaviour; None for combinations."""
        if self.did is not None:
            where = tuple(sorted((self.where or {}).items()))
            return Done(self.did, self.then, self.count == "days", self.within_days, where)
        if self.reached is not None and self.step is not None:
            return Reached(self.reached, self.step, self.within_days)
        if self.session is not None:
            return Visited(self.session, self.count == "days", self.within_days)
        if self.path is not None:
            return Passed(self.path, self.order == "strict", self.within_days)
        return self.feature

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
