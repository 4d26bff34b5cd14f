import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from segmentation.errors import ConfigurationError
from segmentation.evaluation.comparison import compare_means
from segmentation.tracking import Tracking
from segmentation.tracking.params import TrackingParams
from segmentation.tracking.promotion import judge_refit
from segmentation.tracking.records import Curve, parse_points


def test_a_local_lake_keeps_runs_beside_its_tables(tmp_path: Path):
    for root in (str(tmp_path), f"{tmp_path}/", f"file://{tmp_path}"):
        tracking = Tracking(TrackingParams(), root)
        assert tracking.uri == f"sqlite:///{tmp_path}/mlflow.db"
        assert tracking.artifacts == f"file://{tmp_path}/mlflow-artifacts"
        assert tracking.command == f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/mlflow.db"
        assert not tracking.exists
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mlflow.db").touch()
    assert tracking.exists


def test_a_configured_server_keeps_its_own_artifacts(tmp_path: Path):
    tracking = Tracking(TrackingParams(uri="http://tracking.example:5000"), str(tmp_path))
    assert (tracking.uri, tracking.artifacts) == ("http://tracking.example:5000", None)


def test_a_remote_lake_writes_models_where_every_executor_can():
    tracking = Tracking(TrackingParams(uri="databricks"), "s3://bucket/lake")
    assert (tracking.uri, tracking.scratch) == ("databricks", "s3://bucket/lake/_mlflow")


@pytest.mark.parametrize("root", ["s3://bucket/lake", "dbfs:/mnt/lake", "viewfs://c/lake"])
def test_uri__a_lake_on_another_file_system_needs_a_server(root: str):
    with pytest.raises(ConfigurationError, match=r"set MLFLOW_TRACKING_URI, or the key tracking\.uri"):
        _ = Tracking(TrackingParams(), root).uri


@pytest.mark.parametrize(
    ("description", "environment", "params", "expected"),
    [
        ("nothing", {}, {}, ("sqlite:////lake/mlflow.db", "sqlite:////lake/mlflow.db")),
        ("environment", {"MLFLOW_TRACKING_URI": "http://env"}, {}, ("http://env", "http://env")),
        ("an empty variable", {"MLFLOW_TRACKING_URI": ""}, {}, ("sqlite:////lake/mlflow.db",) * 2),
        ("key over environment", {"MLFLOW_TRACKING_URI": "http://env"}, {"uri": "http://key"}, ("http://key",) * 2),
        (
            "a registry of its own",
            {"MLFLOW_TRACKING_URI": "databricks", "MLFLOW_REGISTRY_URI": "databricks-uc"},
            {},
            ("databricks", "databricks-uc"),
        ),
        (
            "a registry by key",
            {"MLFLOW_REGISTRY_URI": "http://env"},
            {"uri": "http://key", "registry_uri": "http://models"},
            ("http://key", "http://models"),
        ),
    ],
)
def test_uri__order_of_key_environment_and_default(monkeypatch, description, environment, params, expected):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    tracking = Tracking(TrackingParams(**params), "/lake")
    assert (tracking.uri, tracking.registry_uri) == expected, description
    assert (tracking.artifacts is None) is (tracking.uri != "sqlite:////lake/mlflow.db")


@pytest.mark.parametrize(("lead", "promoted"), [(0.0, True), (0.1, True), (-0.1, False)])
def test_a_refit_as_good_on_the_same_users_is_good_enough_and_its_interval_is_kept(lead: float, *, promoted: bool):
    widths = np.random.default_rng(2).uniform(-1, 1, 400)
    difference = compare_means(widths + lead, widths, metric="silhouette_euclidean", rounds=200, seed=1)
    verdict = judge_refit(difference, champion="3")
    assert verdict.promoted is promoted
    assert verdict.reason.startswith("silhouette_euclidean better by")
    assert verdict.evidence["champion_before"] == "3"
    assert [verdict.evidence[end] for end in ("lower", "value", "upper")] == pytest.approx([lead] * 3)


def test_the_interval_of_a_difference_of_means_is_that_of_the_normal_for_many_users():
    rng = np.random.default_rng(4)
    one, other = rng.normal(0.1, 1, 4_000), rng.normal(0, 1, 4_000)
    found = compare_means(one, other, metric="m", rounds=2_000, seed=1)
    error = 1.96 * (one - other).std() / 4_000**0.5
    assert found.value == pytest.approx((one - other).mean())
    assert (found.upper - found.lower) / 2 == pytest.approx(error, rel=0.1)


def test_help_does_not_wait_for_mlflow():
    code = "import segmentation.tracking, segmentation.config, sys; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_curve_comes_back_from_its_file():
    curve = Curve("c", "Curve", ("k", "value"), [(2, 0.1), (3, None)], "value")
    assert parse_points(curve.as_csv()) == [{"k": 2.0, "value": 0.1}, {"k": 3.0, "value": None}]
