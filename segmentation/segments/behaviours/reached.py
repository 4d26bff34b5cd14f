"""`reached`: whether a user reached a step of a funnel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, nearest
from segmentation.segments.behaviours.behaviour import Behaviour
from segmentation.sequences import funnels, states
from segmentation.sequences.steps import build_steps

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame

    from segmentation.segments.behaviours.behaviour import Declarations


class Reached(Behaviour):
    """Whether a user reached a step of a funnel: 1 or 0.

    All steps must lie within the window of days. If sessions go through the funnel, the furthest one of a user counts.
    """

    key: ClassVar[str] = "reached"
    reads: ClassVar[tuple[str, ...]] = ("events",)
    is_compared: ClassVar[bool] = False

    funnel: str = Field(alias="reached")
    """Name of a funnel (conf/funnels); its steps must lie within the window that the funnel has."""
    step: str = ""
    """A state of the step."""

    @model_validator(mode="after")
    def _has_step(self) -> Reached:
        if not self.step:
            raise ValueError(f"the condition on funnel {self.funnel} needs step: a state of the step to be reached")
        return self

    def __str__(self) -> str:
        """Describe the measure, for example `reached payment of checkout`."""
        return f"reached {self.step} of {self.funnel}{self.window_words}"

    @property
    def shared_pass(self) -> Hashable:
        """One pass answers all steps of a funnel in a window of days."""
        return self.funnel, self.within_days

    def find_declarations(self, conf_dir: Path, *, file: str) -> Mapping[str, str]:
        """Return the fingerprints of the funnel and of the states."""
        known = {funnel.name: funnel for funnel in funnels.load_funnels(conf_dir)}
        if self.funnel not in known:
            raise ConfigurationError(f"{file}: there is no funnel '{self.funnel}'{nearest(self.funnel, known)}")
        steps = [state for step in known[self.funnel].steps for state in step]
        if self.step not in steps:
            raise ConfigurationError(
                f"{file}: funnel '{self.funnel}' has no step '{self.step}'{nearest(self.step, steps)}"
            )
        return {
            states.FILE: states.load_states(conf_dir).fingerprint,
            f"{funnels.FOLDER}/{self.funnel}.yaml": known[self.funnel].fingerprint,
        }

    @classmethod
    def measure(cls, asked: Sequence[Reached], tables: Mapping[str, DataFrame], given: Declarations) -> DataFrame:
        """Find the furthest attempt of each user, and compare it with each step."""
        funnel = given.funnels[asked[0].funnel]
        since = tables["events"].where(asked[0].in_window("event_date", given.as_of))
        steps = build_steps(since, states=given.states, time_zone=given.time_zone)
        attempts = funnels.find_attempts(steps, funnel=funnel)
        numbers = {state: number for number, step in reversed(list(enumerate(funnel.steps, 1))) for state in step}
        there = (F.max((F.col("depth") >= numbers[one.step]).cast("bigint")).alias(one.column) for one in asked)
        return attempts.groupBy("user_id").agg(*there)
