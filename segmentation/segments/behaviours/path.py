"""`path`: how many sessions of a user went through states in an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from pyspark.sql import functions as F

from segmentation.segments.behaviours.behaviour import Behaviour
from segmentation.sequences import states
from segmentation.sequences.funnels import Funnel, Steps, find_attempts
from segmentation.sequences.steps import build_steps

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame

    from segmentation.segments.behaviours.behaviour import Declarations

FOREVER_S = 10**9
"""A path within a session has no window of its own: 31 years."""


class Passed(Behaviour):
    """The number of sessions of a user that went through states in their order. Each event can be one step only.

    Steps are states of conf/states.yaml. A session counts once, on the day on which it began.
    """

    key: ClassVar[str] = "path"
    reads: ClassVar[tuple[str, ...]] = ("events",)

    steps: Steps = Field(alias="path", min_length=2)
    """Steps, each a state or a list of states of which any will do. Without op and value: at least one session."""
    order: Literal["ordered", "strict"] = "ordered"
    """Whether other states may lie between the steps (`ordered`), or none (`strict`)."""

    def __str__(self) -> str:
        """Describe the measure, for example `sessions through cart then pay or buy`."""
        way = " then ".join(" or ".join(step) for step in self.steps)
        return f"sessions {'straight ' if self.order == 'strict' else ''}through {way}{self.window_words}"

    @property
    def shared_pass(self) -> Hashable:
        """Each path takes a pass of its own."""
        return str(self)

    def find_declarations(self, conf_dir: Path, *, file: str) -> Mapping[str, str]:  # noqa: ARG002  as all behaviours
        """Return the fingerprint of the states."""
        return {states.FILE: states.load_states(conf_dir).fingerprint}

    @classmethod
    def measure(cls, asked: Sequence[Passed], tables: Mapping[str, DataFrame], given: Declarations) -> DataFrame:
        """Count the sessions that complete the path as a funnel."""
        (path,) = asked
        steps = build_steps(tables["events"], states=given.states, time_zone=given.time_zone)
        begun = steps.where(path.in_window("session_date", given.as_of))
        way = Funnel(name="path", steps=path.steps, order=path.order, unit="session", window_s=FOREVER_S)
        through = find_attempts(begun, funnel=way).where(F.col("depth") == len(path.steps))
        return through.groupBy("user_id").agg(F.count(F.lit(1)).alias(path.column))
