"""The notebooks run from top to bottom against a small lake, and show what is in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.feature import SQLTransformer

from jobs import build_journeys, build_lifecycle, describe_features
from segmentation.features import user_features_contract
from segmentation.features.build import FeatureInputs, build_user_features
from segmentation.features.params import FeatureParams
from segmentation.lake.lake import Lake
from segmentation.models.clustering import CLUSTERS
from segmentation.parameters import WorkspaceParams
from segmentation.runtime.main import open_context
from segmentation.sessions.as_of import tables_at_cut
from segmentation.sessions.params import SessionParams
from segmentation.tables import EVENTS, USER_DAYS
from segmentation.tracking.cluster_trainings import CANDIDATES
from segmentation.tracking.promotion import crown
from segmentation.tracking.records import Curve, Training
from segmentation.tracking.trainings import REPORT, propensity_kind
from tests.spark.review.small_lake import few_hits, write_lake

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.faults, pytest.mark.spark]
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

PROJECT = Path(__file__).parents[2]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"
HITS = few_hits(("cart", "shipping_details", "payment_details", "purchase"))  # the steps of conf/funnels/checkout.yaml
BUYERS = {hit.user for hit in HITS if hit.state == "purchase"}
SAYS = {
    "review_choice": ("Kmeans scaled 3 of 1 candidate", "without clusters reach 0.16", "with 3 segments"),
    "review_cohorts": ("of 12 users", "2 users came for the first time"),
    "review_drift": (
        "2 alerts as of",
        "1 of 3 distributions changed beyond chance and threshold",
        "1 of 2 rates differ",
    ),
    "review_features": ("of 12 users", "Since "),
    "review_journeys": (f"{100 * len(BUYERS) / 12:.1f} % of 12 get from cart to purchase", "Most are lost at"),
    "review_propensity": ("Not ahead of a simpler model: churn, purchase", "Churn rests most on", "Likeliest: "),
    "review_segments": ("24 sessions",),
}
"""What the tables hold, as each notebook must print it."""
CHARTS = {
    "review_choice": 2, "review_cohorts": 4, "review_drift": 2, "review_features": 3, "review_journeys": 5,
    "review_propensity": 4, "review_segments": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(spark, str(tmp_path_factory.mktemp("notebooks") / "lake"), "run-1")
    as_of = write_lake(lake, HITS)
    record_models(spark, lake)
    workspace, sessions, params = WorkspaceParams(), SessionParams(), FeatureParams(windows_days=(7,))
    inputs = {}
    for cut in (as_of - timedelta(days=2), as_of):
        known = tables_at_cut(lake.read(EVENTS), as_of=cut, workspace=workspace, sessions=sessions)
        inputs[cut] = FeatureInputs(known.user_days, known.item_counts, known.sessions)
    lake.replace(user_features_contract(params), build_user_features(inputs, params=params))
    lake.replace(USER_DAYS, known.user_days)
    lake.publish({})
    week_later = as_of + timedelta(days=7)  # two weeks are over by then
    for job, cut in ((build_journeys, as_of), (build_lifecycle, week_later), (describe_features, as_of)):
        assert job.main(["--conf-dir", str(PROJECT / "conf"), "--lake", lake.root, "--as-of", str(cut)]) == 0
    return lake


def record_models(spark: SparkSession, lake: Lake) -> None:
    """Record trainings of the models that scored: what they are is known beforehand, and nothing is fitted."""
    ctx = open_context(conf_dir=PROJECT / "conf", lake=lake.root, spark=spark)
    nothing = PipelineModel([SQLTransformer(statement="SELECT *, 0 AS prediction FROM __THIS__")])
    by_k = (("k", "kmeans scaled", "without clusters"), [(2, 0.2, 0.15), (3, 0.4, 0.16)])
    tried = {
        "name": "kmeans scaled 3", "method": "kmeans", "space": "scaled", "k": 3, "silhouette": 0.4,
        "silhouette_limit": 0.16, "jaccard_min": 0.9, "smallest_share": 0.2, "davies_bouldin": 0.8, "chosen": True,
        "verdict": "chosen",
    }  # fmt: skip
    points = [(0.1, 0.2, 0.1, 0.4, 9), (0.7, 0.6, 0.4, 0.8, 9)]
    gains = [(0.1, 0.3, 3.0, 0.6, 0.2, 0.4, 9), (1.0, 1.0, 1.0, 0.2, 1.0, 1.0, 90)]
    report = {
        "chosen": "logistic_regression regParam=0.1", "calibration": {"method": "platt"}, "by_segment": [],
        "ahead_of": {"majority": {"metric": "log_loss", "value": 0.1, "lower": -0.1, "upper": 0.3, "is_ahead": False}},
        "importances": [{"feature": "sessions_count_30d", "loss": 0.2, "lower": 0.1, "upper": 0.3}], "candidates": [],
    }  # fmt: skip
    curves = (
        Curve("calibration", "", ("predicted", "observed", "lower_95", "upper_95", "users"), points, "", 3),
        Curve("gains", "", ("share", "captured", "lift", "precision", "lower_95", "upper_95", "users"), gains, "", 1),
    )
    kinds = {
        CLUSTERS: (tuple(Curve(name, "", *by_k, "") for name in ("silhouette", "stability")), {CANDIDATES: [tried]}),
        **{propensity_kind(target): (curves, {REPORT: report}) for target in ("churn", "purchase")},
    }
    for kind, (drawn, documents) in kinds.items():
        training = Training(
            kind=kind, fingerprint=kind, pipeline=nothing, features=("sessions_count_30d",),
            outputs={"prediction": "integer"}, data=(), params={}, metrics={}, tags={}, curves=drawn,
            documents=documents,
        )  # fmt: skip
        ctx.tracking.store.settle(ctx.tracking.store.record(training), crown("there was no champion"))


def test_there_is_one_for_every_question() -> None:
    assert [path.stem for path in NOTEBOOKS] == sorted(SAYS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_and_shows_charts(path: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENTATION_LAKE", lake.root)
    monkeypatch.setenv("SEGMENTATION_CONF", str(PROJECT / "conf"))
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(
        output["text"] for output in outputs if output["output_type"] == "stream" and output["name"] == "stdout"
    )
    assert [text for text in SAYS[path.stem] if text not in printed] == []
    assert sum(PLOTLY in output.get("data", {}) for output in outputs) >= CHARTS[path.stem]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_kept_without_outputs(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.outputs for cell in cells if cell.cell_type == "code" and cell.outputs] == []
