import subprocess
import sys
from pathlib import Path

import pytest

from segmentation.tracking import Tracking
from segmentation.tracking.params import TrackingParams
from segmentation.tracking.records import Curve, judge, parse_points


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
    tracking = Tracking(TrackingParams(), "s3://bucket/lake")
    assert (tracking.uri, tracking.scratch) == ("databricks", "s3://bucket/lake/_mlflow")


@pytest.mark.parametrize(
    ("challenger", "champion", "promoted"), [(0.5, None, True), (0.5, 0.5, True), (0.5, 0.4, True), (0.4, 0.5, False)]
)
def test_at_least_as_good_on_the_same_data_is_good_enough(challenger, champion, promoted):
    verdict = judge("auc_pr", challenger=challenger, champion=champion)
    assert verdict.promoted is promoted
    assert "auc_pr" in verdict.reason


def test_help_does_not_wait_for_mlflow():
    code = "import segmentation.tracking, segmentation.config, sys; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_curve_comes_back_from_its_file():
    curve = Curve("c", "Curve", ("k", "value"), [(2, 0.1), (3, None)], "value")
    assert parse_points(curve.as_csv()) == [{"k": 2.0, "value": 0.1}, {"k": 3.0, "value": None}]
