"""Training and scoring beside peers: the same users everywhere, what is planted can be found, the page says it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from benchmarks.engines.task import Clock
from benchmarks.models import report, scikit_learn
from benchmarks.models.data import CHUNK, SEGMENTS, Users, chance, generate
from benchmarks.models.run import Run, read_runs
from benchmarks.models.task import Task

PROJECT = Path(__file__).parents[3]
RUN = Run(
    engine="suite", users=20_000, features=50, threads=2, memory="6GB",
    seconds={"prepare": 9.0, "read": 1.0, "kmeans": 2.0, "gbt": 3.0, "kmeans_score": 0.4, "gbt_score": 0.8},
    processor_s={}, quality={"adjusted_rand": 0.9, "auc_roc": 0.8, "auc_pr": 0.7, "log_loss": 0.4},
    peak_rss_bytes=2**30, command="models --users 20000", commit="abc1234", started_at="", machine="2 cores, 24 GiB",
)  # fmt: skip

SHORT = {"read": 1.0, "gbt": 0.5, "gbt_score": 0.1}


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Users:
    users = Users(tmp_path_factory.mktemp("models"), 3_000, 40)
    generate(users)
    return users


def test_users_are_the_same_everywhere_and_those_of_the_test_are_others(users: Users, tmp_path: Path) -> None:
    again = replace(users, root=tmp_path)
    generate(again)
    train, test = (parquet.read_table(path) for path in (users.train, users.test))
    assert parquet.read_table(again.train).equals(train)
    assert (train.num_rows, test.num_rows) == (3_000, 600)
    assert not set(train["user_id"].to_pylist()) & set(test["user_id"].to_pylist())
    assert not set(train["f00"].to_pylist()) & set(test["f00"].to_pylist())
    assert train["segment"].to_numpy().max() == SEGMENTS - 1
    assert 0.2 < train["label"].to_numpy().mean() < 0.35
    assert users.users < CHUNK


def test_a_peer_finds_what_is_planted(users: Users) -> None:
    clock = Clock()
    scored = scikit_learn.work(Task(users, 1, "1GB"), clock)
    test = parquet.read_table(users.test)
    truth = chance(np.column_stack([test[name].to_numpy() for name in users.names]))
    label = test["label"].to_numpy()
    assert adjusted_rand_score(test["segment"].to_numpy(), scored.cluster) > 0.6
    assert 0.6 < roc_auc_score(label, scored.probability) < roc_auc_score(label, truth)
    assert set(clock.wall_s) == {"read", "kmeans", "gbt", "kmeans_score", "gbt_score"}


def test_the_page_has_medians_and_what_scoring_a_million_costs() -> None:
    slow = replace(RUN, seconds={**RUN.seconds, "kmeans": 4.0})
    peer = replace(
        RUN, engine="xgboost", seconds={"read": 1.0, "gbt": 0.5, "gbt_score": 0.1}, quality={"auc_roc": 0.81}
    )
    page = report.page_of([RUN, slow, slow, peer])
    assert "| this suite | 3 | 1.00 | 4.00 | 3.00 | 100.00 | 200.00 | 0.900 | 0.800 | 0.700 | 0.400 | 1.0 |" in page
    assert "| xgboost | 1 | 1.00 |  | 0.50 |  | 25.00 |  | 0.810 |  |  | 1.0 |" in page
    assert page.count("python -m benchmarks models --users 20000") == 1


def test_the_stored_page_is_made_from_the_stored_runs() -> None:
    folder = PROJECT / "docs" / "benchmarks"
    runs, page = read_runs(folder), folder / report.PAGE
    assert page.exists() == bool(runs)
    assert not runs or page.read_text() == report.page_of(runs)
