"""The tracking plan: which events serve which goal, and what each must carry. `conf/tracking_plan.yaml`."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator
from pyspark.sql import functions as F

from segmentation.event_properties import read_property
from segmentation.parameters import Parameters, read_yaml, validated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pyspark.sql import Column, DataFrame, Row

FILE = "tracking_plan.yaml"
TYPES = {"string": "string", "integer": "bigint", "number": "double", "boolean": "boolean", "timestamp": "timestamp"}
FIELDS = ("value", "currency", "platform", "device_type", "channel", "session_hint", "duration_ms", "state")
"""Parameters of these names are the event's own fields; all others are properties."""


class PlannedParameter(Parameters):
    """Type and presence of one parameter of an event."""

    type: Literal["string", "integer", "number", "boolean", "timestamp"] = "string"
    required: bool = False
    description: str = ""
    names: dict[str, str] = Field(default_factory=dict)
    """Source -> name of the parameter there, where it differs."""


class PlannedEvent(Parameters):
    """An event, the business goal it serves, and its parameters."""

    goal: str
    description: str = ""
    items: bool = False
    """The event names the products that it is about, as `items`."""
    names: dict[str, str] = Field(default_factory=dict)
    """Source -> name of the event there, where it differs."""
    parameters: dict[str, PlannedParameter] = Field(default_factory=dict)


class TrackingPlan(Parameters):
    """All planned events."""

    sources: tuple[str, ...] = ()
    """Sources that follow the plan; empty: all."""
    off_plan: Literal["keep", "quarantine"] = "keep"
    """Treatment of a planned event that lacks a required parameter, or has one of another type."""
    events: dict[str, PlannedEvent] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_are_unique(self) -> TrackingPlan:
        for name, event in self.events.items():
            sources = {*event.names, *(source for part in event.parameters.values() for source in part.names)}
            unknown = sorted(source for source in sources if not self.covers(source))
            if unknown:
                raise ValueError(f"{name}: names: '{unknown[0]}' is not one of the plan's sources")
        for source in sorted({source for event in self.events.values() for source in event.names}):
            sent = [event.names.get(source, name) for name, event in self.events.items()]
            twice = sorted({name for name in sent if sent.count(name) > 1})
            if twice:
                raise ValueError(f"two events are called '{twice[0]}' in source {source}")
        return self

    def named_for(self, source: str) -> TrackingPlan:
        """Return the plan with the names that a source uses for events and parameters."""
        events = {
            event.names.get(source, name): event.model_copy(
                update={"parameters": {p.names.get(source, key): p for key, p in event.parameters.items()}}
            )
            for name, event in self.events.items()
        }
        return self.model_copy(update={"events": events})

    def covers(self, source: str) -> bool:
        """Return whether a source follows the plan."""
        return not self.sources or source in self.sources

    def enforced_on(self, source: str) -> bool:
        """Return whether a source's events are quarantined where they break the plan."""
        return self.off_plan == "quarantine" and self.covers(source)


def load_tracking_plan(conf_dir: Path) -> TrackingPlan:
    """Load the plan; where there is no file nothing is planned.

    Raises:
        ConfigurationError: the file is not valid; names the key.
    """
    path = conf_dir / FILE
    return validated(TrackingPlan, read_yaml(path), str(path)) if path.is_file() else TrackingPlan()


def breaks_plan(plan: TrackingPlan, columns: Mapping[str, Column]) -> Column:
    """Return whether an event breaks the plan; an event that is not planned does not.

    Args:
        plan: the plan, with the names of the events' source.
        columns: event_name, properties and FIELDS -> where they stand.
    """
    broken = (
        (columns["event_name"] == F.lit(name)) & _lacks(parameter, planned, columns)
        for name, event in plan.events.items()
        for parameter, planned in event.parameters.items()
    )
    return reduce(or_, broken, F.lit(False))


def plan_coverage(plan: TrackingPlan, events: DataFrame) -> DataFrame:
    """Count how events keep to the plan.

    Grain: an event name and parameter; parameter null: the event itself. Planned events that never came have no
    row; events that are not planned have a null goal.

    Args:
        plan: the plan, with the names of the events' source.
        events: with event_name, properties and FIELDS.

    Returns:
        event_name, goal, parameter, events, filled (parameter given), broken (lacks it, or of another type).
    """
    columns = {name: F.col(name) for name in ("event_name", "properties", *FIELDS)}
    kinds = [
        F.struct(
            F.lit(name).alias("event_name"),
            F.lit(parameter).alias("parameter"),
            _given(parameter, columns).isNotNull().alias("filled"),
            _lacks(parameter, planned, columns).alias("broken"),
        )
        for name, event in plan.events.items()
        for parameter, planned in event.parameters.items()
    ]
    whole = F.struct(
        F.col("event_name"),
        F.lit(None).cast("string").alias("parameter"),
        F.lit(True).alias("filled"),
        breaks_plan(plan, columns).alias("broken"),
    )
    told = events.select(F.explode(F.array(whole, *kinds)).alias("_"), F.col("event_name").alias("_sent"))
    counted = (
        told.where("_.event_name = _sent")
        .groupBy("_.event_name", "_.parameter")
        .agg(
            F.count(F.lit(1)).alias("events"),
            F.count_if("_.filled").alias("filled"),
            F.count_if("_.broken").alias("broken"),
        )
    )
    goals = F.create_map(*(F.lit(text) for name, event in plan.events.items() for text in (name, event.goal)))
    goal = F.element_at(goals, F.col("event_name")) if plan.events else F.lit(None).cast("string")
    return counted.select("event_name", goal.alias("goal"), "parameter", "events", "filled", "broken")


def describe_coverage(coverage: Iterable[Row]) -> list[str]:
    """Write rows of :func:`plan_coverage` as lines, in their order."""
    lines = []
    for row in coverage:
        if row["parameter"] is None:
            lines.append(
                f"  planned: {row['event_name']} ({row['goal']}), {row['events']:,} events, {row['broken']:,} off plan"
            )
        else:
            lines.append(f"    {row['parameter']}: {row['filled']:,} given, {row['broken']:,} off plan")
    return lines


def describe_plan(plan: TrackingPlan) -> str:
    """Return the plan as a page."""
    lines = [
        "# Tracking plan",
        "Made from `conf/tracking_plan.yaml` by `python -m segmentation.sources.tracking_plan`; do not edit.",
        "[Instrumentation](instrumentation.md) generates the code that sends these events.",
        "",
        "| event | goal | parameter | type | required | meaning | name in other sources |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, event in sorted(plan.events.items()):
        lines.append(f"| `{name}` | {event.goal} | | | | {event.description} | {_names(event.names)} |")
        for parameter, planned in event.parameters.items():
            cells = (planned.type, "yes" if planned.required else "", planned.description, _names(planned.names))
            lines.append(f"| | | `{parameter}` | {' | '.join(cells)} |")
        if event.items:
            lines.append("| | | `items` | list of products | | the products, as GA4 describes them | |")
    return "\n".join(lines) + "\n"


def _names(names: Mapping[str, str]) -> str:
    return ", ".join(f"{source}: `{name}`" for source, name in names.items())


def _given(parameter: str, columns: Mapping[str, Column]) -> Column:
    if parameter in FIELDS:
        return columns[parameter].cast("string")
    return read_property(parameter, columns["properties"])


def _lacks(parameter: str, planned: PlannedParameter, columns: Mapping[str, Column]) -> Column:
    given = _given(parameter, columns)
    mistyped = given.isNotNull() & given.try_cast(TYPES[planned.type]).isNull()
    return mistyped | given.isNull() if planned.required else mistyped


def main() -> None:
    """Print the page of the plan in ./conf."""
    from pathlib import Path  # noqa: PLC0415  only here

    print(describe_plan(load_tracking_plan(Path("conf"))), end="")  # noqa: T201


if __name__ == "__main__":
    main()
