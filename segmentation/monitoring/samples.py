"""Compare bounded samples of the users at two cuts, which the same models score."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.evaluation.distributions import sample_users
from segmentation.frames import union_all
from segmentation.models.clustering import assign_clusters
from segmentation.models.inputs import select_cut
from segmentation.models.propensity import CALIBRATED, score_propensity
from segmentation.monitoring.drift import Drift, measure_drift
from segmentation.monitoring.subjects import RECENCY, choose_features, propensity_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pandas as pd
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

    from segmentation.models.clustering import Segment
    from segmentation.monitoring.params import MonitoringParams

SAMPLED_SEGMENT = "cluster_id"
"""Column of a sample that holds each user's segment."""
_CUT = "_cut"


class ScoringModels(NamedTuple):
    """The models by which the users of all cuts are scored."""

    clusters: PipelineModel
    segments: Sequence[Segment]
    propensities: Mapping[str, PipelineModel]
    """Target -> pipeline."""


class DriftFound(NamedTuple):
    """The changes of all subjects that can be compared, and notes on the others."""

    drift: list[Drift]
    notes: list[str]


def compare_samples(
    user_features: DataFrame,
    *,
    baseline: date,
    as_of: date,
    first_event: date,
    read: Sequence[str],
    models: ScoringModels,
    params: MonitoringParams,
) -> DriftFound:
    """Compare features, predictions and segments between two cuts, by the models that scored the later one.

    Args:
        user_features: rows of any cuts.
        baseline: the earlier cut.
        as_of: the later cut.
        first_event: day of the first event: windows that reach back beyond it are not compared, with a note.
        read: features that the models read.
        models: score the users of both cuts.
        params: which features and users are compared.

    Raises:
        ConfigurationError: `user_features` lacks a feature; names it.
    """
    features, young = choose_features(read, given=params.features, history_days=(baseline - first_event).days)
    needed = tuple(dict.fromkeys((RECENCY, *features, *read)))
    before, now = sample_scored_users(
        user_features, cuts=(baseline, as_of), features=needed, models=models, params=params
    )
    subjects = {f"feature:{name}": name for name in features}
    subjects |= {f"propensity:{target}": propensity_column(target) for target in models.propensities}
    notes = [f"windows longer than the history before {baseline}, not compared: {', '.join(young)}"] if young else []
    return DriftFound(measure_drift(before, now, subjects=subjects, segment=SAMPLED_SEGMENT), notes)


def sample_scored_users(
    user_features: DataFrame,
    *,
    cuts: Sequence[date],
    features: Sequence[str],
    models: ScoringModels,
    params: MonitoringParams,
) -> list[pd.DataFrame]:
    """Score a sample of each cut's users, in one query. The same users are sampled in every run.

    Propensities are scored for all sampled users, no matter whom the targets ask about.

    Args:
        user_features: rows of any cuts.
        cuts: the cuts to sample.
        features: columns to return; all that the models read, and `days_since_last_event`.
        models: score the users of every cut.
        params: size of a sample, and the days in which its users must have been active.

    Returns:
        A frame per cut, in the order of `cuts`: a row per user with the features as doubles, `SAMPLED_SEGMENT`, and
        the calibrated probability of each target in its `propensity_column`.

    Raises:
        ConfigurationError: `user_features` lacks a feature; names it.
    """
    samples = []
    for cut in cuts:
        users = select_cut(user_features, as_of=cut, features=features)
        if params.active_days is not None:
            users = users.where(F.col(RECENCY) <= params.active_days)
        samples.append(sample_users(users, params.sample_users).withColumn(_CUT, F.lit(cut)))
    placed = assign_clusters(union_all(samples), pipeline=models.clusters, segments=models.segments)
    for target, pipeline in models.propensities.items():
        predicted = score_propensity(placed, pipeline=pipeline)
        placed = predicted.select(*placed.columns, F.col(CALIBRATED).alias(propensity_column(target)))
    scores = map(propensity_column, models.propensities)
    scored: pd.DataFrame = placed.select(_CUT, *features, SAMPLED_SEGMENT, *scores).toPandas()  # bounded
    return [scored[scored[_CUT] == cut].drop(columns=_CUT).reset_index(drop=True) for cut in cuts]
