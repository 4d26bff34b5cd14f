"""Parameters of sequences."""

from pydantic import Field

from segmentation.parameters import Parameters
from segmentation.sequences.groups import Dimension


class SequenceParams(Parameters):
    """Groups, goals and limits of journeys. States: conf/states.yaml."""

    groups: tuple[Dimension, ...] = ("platform", "month")
    """Groups beside all sessions: `platform`, `device_type`, `channel`, `month`, `segment` (scored), `rule`
    (conf/segments) and `trait:<name>` (conf/profiles.yaml)."""
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
    states_per_step: int = Field(default=12, ge=1)
    """States by name in each step of `path_edges`; the others are one."""
    max_edges: int = Field(default=100, ge=1)
    """Largest edges of `path_edges` by name; the others are one per step."""
    cluster_sample: int = Field(default=1_000, ge=3)
    """Sessions that typical journeys are found in: a sample by the hash of their id. Time grows with its square."""
    max_clusters: int = Field(default=8, ge=2)
    """Clusters of journeys at most; the silhouette chooses."""
    indel: float = Field(default=1.0, gt=0)
    """Cost of leaving a step out, beside substitutions of up to 2 (TRATE)."""


class EngagementParams(Parameters):
    """Periods of users' days, and the search for their hidden states."""

    period_days: int = Field(default=7, ge=2, le=31)
    """Days of a period, counted back from the cut."""
    periods: int = Field(default=52, ge=2)
    """Newest periods of a user that are looked at."""
    max_states: int = Field(default=5, ge=1, le=10)
    """States at most; BIC chooses."""
    sample_users: int = Field(default=1_000, ge=10)
    """Users that the states are found in: a sample by the hash of their id. Time grows with it."""
