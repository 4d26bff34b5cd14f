"""The calls that a site or an app makes: one per event of the tracking plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from segmentation.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from segmentation.sources.tracking_plan import PlannedEvent, TrackingPlan

Kind = Literal["string", "integer", "number", "boolean", "timestamp"]
ITEMS = "items"
GA4_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
"""GA4 and Firebase drop events of any other name. Iglu and the names of functions are as narrow."""
GA4_RESERVED = re.compile(r"(firebase|ga|google)_")
"""Beginnings of names that GA4 and Firebase keep for themselves."""
OWN = {"setUser", "onProblem"}
"""Functions that generated files have beside those of the events."""
OWN_ARGUMENTS = {"parameters", "analytics", ITEMS}
"""Names that generated functions use for themselves."""


class Argument(NamedTuple):
    """A parameter of a call."""

    name: str
    """Name in the tracking plan, under which a developer gives it."""
    sent_as: str
    """Name under which it is sent."""
    kind: Kind
    required: bool
    description: str


class Call(NamedTuple):
    """A function that sends one planned event."""

    event: str
    """Name in the tracking plan."""
    sent_as: str
    """Name under which the event is sent."""
    function: str
    """Name of the function, in camel case."""
    description: str
    items: bool
    """The call takes a list of products."""
    arguments: tuple[Argument, ...]
    """Required ones first, else in the order of the plan."""


def list_calls(plan: TrackingPlan, source: str) -> tuple[Call, ...]:
    """Return the calls that send the plan's events to a source, in the order of the plan.

    Raises:
        ConfigurationError: an event or parameter has a name that the source's collectors drop, or two of them have one
            name in the generated code.
    """
    calls = tuple(_call(name, event, source) for name, event in plan.events.items())
    for call in calls:
        _check_names(call, is_narrow=source != "segment")
        _check_unique([camel_case(argument.name) for argument in call.arguments], OWN_ARGUMENTS, f"{call.event}: ")
        _check_unique([argument.sent_as for argument in call.arguments], set(), f"{call.event}: ")
    _check_unique([call.function for call in calls], OWN, "")
    return calls


def camel_case(name: str) -> str:
    """Return a name in camel case: `add_to_cart` becomes `addToCart`."""
    first, *others = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word] or [""]
    return first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in others)


def _call(name: str, event: PlannedEvent, source: str) -> Call:
    arguments = [
        Argument(key, planned.names.get(source, key), planned.type, planned.required, _line(planned.description))
        for key, planned in event.parameters.items()
    ]
    arguments.sort(key=lambda argument: not argument.required)
    sent_as = event.names.get(source, name)
    return Call(name, sent_as, camel_case(name), _line(event.description), event.items, tuple(arguments))


def _line(description: str) -> str:
    """Return a description as one line that does not end a comment."""
    return " ".join(description.split()).replace("*/", "* /")


def _check_names(call: Call, *, is_narrow: bool) -> None:
    names = [call.event, *(argument.name for argument in call.arguments)]
    names += [call.sent_as, *(argument.sent_as for argument in call.arguments)] if is_narrow else []
    for name in names:
        if not GA4_NAME.fullmatch(name) or GA4_RESERVED.match(name):
            raise ConfigurationError(
                f"tracking plan: '{name}' cannot be generated. A name has at most 40 letters, digits and underscores, "
                "begins with a letter, and not with firebase_, ga_ or google_. Put another source's name under `names`"
            )


def _check_unique(names: Sequence[str], own: Collection[str], where: str) -> None:
    taken = sorted({name for name in names if names.count(name) > 1 or name in own})
    if taken:
        raise ConfigurationError(
            f"tracking plan: {where}the generated code would use the name '{taken[0]}' twice; choose another one"
        )
