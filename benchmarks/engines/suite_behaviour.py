"""What is asked of behaviour, by our own functions, from the tables of a lake; written as the peers write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from benchmarks import contract as c
from segmentation.features.build import FeatureInputs, build_user_features
from segmentation.features.params import FeatureParams
from segmentation.sequences.clusters import build_journey_clusters, find_typical
from segmentation.sequences.funnels import Funnel, find_attempts
from segmentation.sequences.markov import count_flows, rate_flows
from segmentation.sequences.params import SequenceParams
from segmentation.sequences.paths import build_paths, build_user_sequences, rank_paths
from segmentation.sequences.states import StateMapping
from segmentation.sequences.steps import build_steps
from segmentation.sessions.item_counts import count_items
from segmentation.tables import EVENTS, SESSIONS, USER_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from segmentation.lake.lake import Lake

GOALS = (c.CONVERSION,)


def lay_out_steps(lake: Lake) -> DataFrame:
    """Lay out all events as steps, which most questions start from."""
    return build_steps(lake.read(EVENTS), states=StateMapping(), time_zone="UTC")


def ask_flows(_lake: Lake, steps: DataFrame) -> DataFrame:
    """Count and rate the moves between states; the rates, which follow from the counts, are not compared."""
    return rate_flows(count_flows(steps)).drop("weight", "weight_squares")


def ask_paths(_lake: Lake, steps: DataFrame) -> DataFrame:
    """Rank the beginnings of sessions."""
    paths = build_paths(steps, steps=c.PATH_STEPS, goals=GOALS)
    ranked = rank_paths(paths, limit=c.NAMED_PATHS, as_of=c.CUT)
    return ranked.select(F.to_json("path").alias("path"), "ended", "sessions", "converted")


def ask_funnel(_lake: Lake, steps: DataFrame) -> DataFrame:
    """Count how many users got to each step."""
    funnel = Funnel(name="funnel", steps=tuple((state,) for state in c.FUNNEL), window_s=c.FUNNEL_WINDOW_S)
    numbers = F.array(*map(F.lit, range(1, len(c.FUNNEL) + 1)))
    depths = find_attempts(steps, funnel=funnel).groupBy("depth").agg(F.count(F.lit(1)).alias("n"))
    reached = depths.select(F.explode(numbers).alias("step"), "depth", "n")
    return reached.groupBy("step").agg(F.sum(F.when(F.col("depth") >= F.col("step"), F.col("n"))).alias("reached"))


def ask_sequences(_lake: Lake, steps: DataFrame) -> DataFrame:
    """Weigh the different sequences by their sessions."""
    sequences = build_user_sequences(steps, limit=c.SEQUENCE_STEPS, goals=GOALS, as_of=c.CUT)
    states = F.array_join("states", ">").alias("states")
    return sequences.groupBy(states).agg(F.count(F.lit(1)).alias("sessions"))


def ask_features(lake: Lake, _steps: DataFrame) -> DataFrame:
    """Compute the features that are compared; Spark leaves out what nobody asks for."""
    events, sessions = lake.read(EVENTS), lake.read(SESSIONS)
    counts = count_items(events, sessions, time_zone="UTC")
    inputs = FeatureInputs(lake.read(USER_DAYS), counts, sessions)
    return build_user_features({c.CUT: inputs}, params=FeatureParams()).select(*c.BEHAVIOUR["features"])


QUESTIONS: dict[str, Callable[[Lake, DataFrame], DataFrame]] = {
    "flows": ask_flows,
    "paths": ask_paths,
    "funnel": ask_funnel,
    "sequences": ask_sequences,
    "features": ask_features,
}


def write_sequences(lake: Lake, path: str) -> None:
    """Write all sessions as sequences of states: what alignment reads."""
    sequences = build_user_sequences(lay_out_steps(lake), limit=c.SEQUENCE_STEPS, goals=GOALS, as_of=c.CUT)
    sequences.write.parquet(path, mode="overwrite")


def write_clusters(lake: Lake, sequences: str, path: str) -> None:
    """Find typical journeys in the default sample, and write every session with the one nearest to it."""
    stored = lake.spark.read.parquet(sequences)
    model = find_typical(stored, params=SequenceParams())
    build_journey_clusters(stored, model=model).write.parquet(path, mode="overwrite")
