"""Clusters of journeys: typical ones from a sample, then every session by the one that it is most like."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.parameters import fingerprint_of
from segmentation.sequences.alignment import choose_medoids, count_journey_moves, match, normalise
from segmentation.sequences.chain import substitution_costs
from segmentation.tables import JOURNEY_CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark.sql import DataFrame

    from segmentation.sequences.params import SequenceParams

    Journey = tuple[str, ...]

PLACED = "session_id string, user_id string, as_of date, cluster int, typical array<string>, distance double"


@dataclass(frozen=True)
class JourneyModel:
    """Typical journeys, and what the sample says of them."""

    typical: tuple[Journey, ...]
    costs: dict[tuple[str, str], float]
    indel: float
    silhouette: float
    """Mean width (weighted, normalised distances) in the sample; 0 for one cluster."""
    sampled: int
    """Sessions in the sample."""

    @property
    def version(self) -> str:
        """Fingerprint of what assigns sessions."""
        return fingerprint_of([self.typical, sorted([*pair, cost] for pair, cost in self.costs.items()), self.indel])


def find_typical(user_sequences: DataFrame, *, params: SequenceParams) -> JourneyModel:
    """Find typical journeys in a sample.

    Grain: rows of `user_sequences` -> one model. The sample is the `cluster_sample` sessions with the least hash of
    their id: as good as random, and the same whatever the order of rows. Equal sequences are aligned once and weigh as
    many as they are. Costs are TRATE of the sample's own moves; distances are normalised by length.
    """
    sample = user_sequences.orderBy(F.xxhash64("session_id"), "session_id").limit(params.cluster_sample)
    weights = Counter(tuple(row["states"]) for row in sample.select("states").collect())
    journeys = sorted(weights)
    counts = [float(weights[journey]) for journey in journeys]
    costs = substitution_costs(count_journey_moves(journeys, counts))
    distances = normalise(
        match(journeys, journeys, costs=costs, indel=params.indel), journeys, journeys, indel=params.indel
    )
    found = choose_medoids(distances, counts, most=params.max_clusters)
    typical = tuple(journeys[member] for member in found.members)
    return JourneyModel(typical, costs, params.indel, found.silhouette, sum(weights.values()))


def build_journey_clusters(user_sequences: DataFrame, *, model: JourneyModel) -> DataFrame:
    """Assign every session to the typical journey nearest to it; of equally near ones to the larger cluster.

    Grain: a row of `user_sequences` -> a row of `journey_clusters`. Distributed, without an exchange: a batch of rows
    is aligned with the typical journeys only, its equal sequences once.
    """

    def place(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            own = [tuple(states) for states in batch["states"]]
            different = sorted(set(own))
            distances = match(different, model.typical, costs=model.costs, indel=model.indel)
            near = normalise(distances, different, model.typical, indel=model.indel)
            number = {
                journey: (int(row.argmin()), float(row.min())) for journey, row in zip(different, near, strict=True)
            }
            yield pd.DataFrame(
                {
                    "session_id": batch["session_id"],
                    "user_id": batch["user_id"],
                    "as_of": batch["as_of"],
                    "cluster": [number[journey][0] + 1 for journey in own],
                    "typical": [list(model.typical[number[journey][0]]) for journey in own],
                    "distance": [number[journey][1] for journey in own],
                }
            )

    placed = user_sequences.select("session_id", "user_id", "as_of", "states").mapInPandas(place, PLACED)
    return conform(placed.withColumn("version", F.lit(model.version)), JOURNEY_CLUSTERS)
