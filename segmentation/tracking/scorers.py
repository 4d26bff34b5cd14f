"""Find the model versions that score users: the champions of now, and the versions that scored an earlier cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.models.clustering import CLUSTERS, assign_clusters, name_cluster
from segmentation.models.held_out import SEGMENT
from segmentation.models.inputs import select_cut
from segmentation.segments.assignment import Scorer
from segmentation.tracking.trainings import (
    CALIBRATION_METHOD,
    TARGET_VERSION,
    features_of,
    has_features,
    propensity_kind,
    segments_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.segments.targets import Target
    from segmentation.tracking.records import ModelVersion
    from segmentation.tracking.store import Store
    from segmentation.tracking.tracking import Tracking


class TargetModel(NamedTuple):
    """A target and the version that scores it."""

    target: Target
    model: ModelVersion


class Champions(NamedTuple):
    """The champions of propensities, and notes on the targets that have none."""

    models: tuple[TargetModel, ...]
    notes: list[str]


class ModelsOfCut(NamedTuple):
    """The model versions that scored the users of a cut."""

    clusters: ModelVersion
    propensities: Mapping[str, ModelVersion]
    """Target -> version."""


def find_champions(store: Store, targets: Iterable[Target]) -> Champions:
    """Find the champion of each target, in the order of the targets.

    A run looks them up once, so that all its users are scored by the same versions even if a training promotes another
    version meanwhile. A target without a champion is left out, with a note.

    Raises:
        ConfigurationError: a champion was trained by a release whose models lack a calibration; names the command.
    """
    models: list[TargetModel] = []
    notes: list[str] = []
    for target in targets:
        model = store.champion(propensity_kind(target.name))
        if model is None:
            notes.append(f"{target.name}: no model, so no user has this propensity (jobs/train_propensity.py says why)")
            continue
        if CALIBRATION_METHOD not in model.tags:
            raise ConfigurationError(
                f"version {model.version} of '{model.name}' was trained by an earlier release: run "
                f"python jobs/train_propensity.py with the same --lake first"
            )
        models.append(TargetModel(target, model))
    return Champions(tuple(models), notes)


def find_models_of_cut(tracking: Tracking, assignments: DataFrame, as_of: date) -> ModelsOfCut | None:
    """Find the versions that scored a cut; None if it was never scored, in which case the store is not opened.

    All users of a cut are scored by the same versions, so one row of `segment_assignments` names them.
    """
    at_cut = assignments.where(F.col("as_of") == F.lit(as_of))
    scored = at_cut.select("cluster_model_version", "propensities").first()
    if scored is None:
        return None
    store = tracking.store
    propensities = {
        entry["target"]: store.version(propensity_kind(entry["target"]), entry["model_version"])
        for entry in scored["propensities"]
    }
    return ModelsOfCut(store.version(CLUSTERS, scored["cluster_model_version"]), propensities)


def place_by_champion(store: Store, user_features: DataFrame, cut: date) -> DataFrame | None:
    """Place the users of a cut into the segments of the champion of clusters.

    Grain: a row of `user_features` at the cut -> `user_id` and the segment's name. None if there is no champion, or if
    `user_features` lacks a feature that it reads.
    """
    champion = store.champion(CLUSTERS)
    if champion is None or not has_features(champion, user_features.columns):
        return None
    users = select_cut(user_features, as_of=cut, features=features_of(champion))
    segments = segments_of(champion)
    placed = assign_clusters(users, pipeline=store.load(champion), segments=segments)
    return placed.select("user_id", name_cluster(segments).alias(SEGMENT))


def target_version_of(store: Store, target: Target, version: str) -> str | None:
    """Return the version of a target on which one of its model versions was trained; None if it was not recorded."""
    return store.version(propensity_kind(target.name), version).tags.get(TARGET_VERSION)


def load_scorers(store: Store, models: Iterable[TargetModel]) -> list[Scorer]:
    """Load the pipelines of propensity models."""
    return [Scorer(target, model.version, store.load(model)) for target, model in models]


def features_of_all(models: Iterable[ModelVersion]) -> tuple[str, ...]:
    """Return the features that any of several models reads, each once, in the order in which they are first read."""
    return tuple(dict.fromkeys(name for model in models for name in features_of(model)))


def notes_on_changed_targets(models: Sequence[TargetModel]) -> list[str]:
    """Return a note for each model that was trained on another version of its target than the configured one."""
    return [
        f"{target.name}: conf/targets/{target.name}.yaml has changed since the champion, version {model.version}, was "
        f"trained: its scores answer the earlier question"
        for target, model in models
        if model.tags.get(TARGET_VERSION) != target.version
    ]
