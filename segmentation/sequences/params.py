"""Parameters of sequences."""

from pydantic import Field

from segmentation.parameters import Parameters
from segmentation.sequences.groups import Dimension


class SequenceParams(Parameters):
    """What journeys are told apart by, where they lead, and how much of them is kept. States: conf/states.yaml."""

    groups: tuple[Dimension, ...] = ("platform", "month")
    """Groups beside all sessions: `platform`, `channel`, `month`, `segment` (scored) and `rule` (conf/segments)."""
    goals: tuple[str, ...] = Field(default=("purchase",), min_length=1)
    """States that are the goal of a journey."""
    max_states: int = Field(default=30, ge=2)
    """States by name in the chains, most frequent first; the others are one."""
    max_steps: int = Field(default=20, ge=2)
    """Steps of a session that `user_sequences` and clusters of journeys look at."""
    path_steps: int = Field(default=6, ge=2)
    """Steps of a path, repeats collapsed."""
    max_paths: int = Field(default=100, ge=1)
    """Most frequent paths kept."""
