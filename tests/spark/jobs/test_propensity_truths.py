"""What models foresee on published purchases, measured on later users beside recency, frequency and monetary value."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from segmentation.runtime.main import open_context
from segmentation.tracking.trainings import propensity_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.spark.jobs.conftest import Workspace

pytestmark = [pytest.mark.spark, pytest.mark.truths, pytest.mark.endurance]

FEW_MODELS = (
    "propensity.logistic_regularisation=[0.01]", "propensity.forest_depths=[]", "propensity.tree_depths=[2]",
    "propensity.importance_users=0",
)  # fmt: skip
"""A small search: what the data are worth shows with it too."""
COUPON = "name: coupon\ndescription: Uses a coupon.\nhappens: {did: '*', then: with coupon}\n"
PURCHASE = "name: purchase\nhappens: {did: '@conversion'}\n"


def test_who_buys_groceries_or_uses_a_coupon(workspace: Workspace, published: Callable[..., Path]) -> None:
    """2,469 households, measured on a half of them in the last four weeks of the year (docs/propensity.md)."""
    path = published("complete_journey", "transactions.parquet")
    found = predict(workspace, "complete_journey", path, coupon=COUPON, purchase=PURCHASE)
    for name, auc in (("purchase", 0.85), ("coupon", 0.74)):
        assert found[name]["auc_roc"] > auc, name
        assert lead(found[name], "majority")[0] > 0.04, name
        lower, value, upper = lead(found[name], "rfm_logistic_regression")
        assert lower < value < upper < 0.05, name
        assert upper > 0, f"{name} is behind recency, frequency and monetary value"


def test_who_buys_gifts_again(workspace: Workspace, published: Callable[..., Path]) -> None:
    found = predict(workspace, "online_retail", published("online_retail_by_day"), purchase=PURCHASE)["purchase"]
    assert found["auc_roc"] > 0.7
    assert lead(found, "majority")[0] > 0
    lower, value, upper = lead(found, "rfm_logistic_regression")
    assert lower < value < upper
    assert upper > 0, "behind recency, frequency and monetary value"


def predict(workspace: Workspace, source: str, path: Path, **targets: str) -> dict[str, Mapping[str, float]]:
    """Take in, build features, train each target by few models, and return the figures measured on later users."""
    folder = workspace.folder / "conf" / "targets"
    shutil.rmtree(folder)
    folder.mkdir()
    for name, text in targets.items():
        (folder / f"{name}.yaml").write_text(text)
    settings = [part for value in FEW_MODELS for part in ("--set", value)]
    ingest = ("ingest_events", "--source", source, "--input", str(path))
    for command in (ingest, ("build_features", *settings), ("train_propensity", *settings)):
        outcome = workspace.run_process(*command)
        assert outcome.code == 0, outcome.stderr
    store = open_context(lake=str(workspace.lake), spark=workspace.spark).tracking.store
    return {name: store.champion(propensity_kind(name)).metrics for name in targets}


def lead(metrics: Mapping[str, float], over: str) -> tuple[float, float, float]:
    """Return by how much the log loss is better than a baseline's: lower bound, estimate, upper bound."""
    key = f"log_loss_better_than_{over}"
    return metrics[f"{key}_lower"], metrics[key], metrics[f"{key}_upper"]
