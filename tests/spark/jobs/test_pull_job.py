"""A pull, ingest and another pull: jobs in the order of a scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs import ingest_events, pull_source, reconcile_counts
from tests.unit.pulls.fakes import TOKEN, Ga4Counts, ShopifyOrders, serving

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Workspace

pytest.importorskip("dlt", reason="the extra `pull` is not installed")
pytestmark = [pytest.mark.spark, pytest.mark.faults]


def declare(workspace: Workspace, name: str, url: str) -> None:
    """Let a shipped declaration ask a fake."""
    path = workspace.folder / "conf" / "pulls" / f"{name}.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("base_url")]
    path.write_text("\n".join([*kept, f"base_url: {url}", "allow_loopback: true"]), encoding="utf-8")


def test_pull_and_ingest__two_pulls_of_one_window_give_no_new_event(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPIFY_TOKEN", TOKEN)
    fake = ShopifyOrders()
    for order in range(3):
        fake.buy(f"o{order}", "10.00")
    fake.refund("o1", "r1", "4.00")
    folder = str(workspace.folder / "landed")
    with serving(fake) as url:
        declare(workspace, "shopify_orders", url)
        pull = ("--pull", "shopify_orders", "--out", folder)
        first = workspace.run(pull_source, *pull)
        assert (first.code, first.result["quality"]["rows"]) == (0, 4)
        ingest = ("--source", "shopify_orders", "--input", folder)
        assert workspace.run(ingest_events, *ingest).code == 0
        assert workspace.run(pull_source, *pull).result["quality"]["rows"] == 0
        workspace.run(ingest_events, *ingest)
        assert workspace.table("events").count() == 4
        # The whole window again, into another folder: the same events.
        again = str(workspace.folder / "again")
        assert workspace.run(pull_source, "--pull", "shopify_orders", "--out", again).result["quality"]["rows"] == 4
        assert workspace.run(ingest_events, "--source", "shopify_orders", "--input", again).code == 0
    assert workspace.table("events").count() == 4
    revenue = workspace.table("events").selectExpr("CAST(sum(revenue) AS DOUBLE)").first()[0]
    assert revenue == 26.0
    assert TOKEN not in first.stderr + str(first.result)


def test_pulled_counts__are_compared_and_stored(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GA4_TOKEN", TOKEN)
    monkeypatch.setenv("GA4_PROPERTY", "123")
    line = (
        '{"event_date": "20240301", "event_timestamp": "17092872%s000000", "event_name": "page_view",'
        ' "event_params": [], "user_pseudo_id": "u%s", "stream_id": "1", "platform": "WEB"}\n'
    )
    fixture = workspace.file("ga4.ndjson", "".join(line % (10 + number, number) for number in range(3)))
    fake = Ga4Counts()
    fake.count("20240301", "web", "page_view", 4)
    folder = str(workspace.folder / "counts")
    assert workspace.run(ingest_events, "--source", "ga4", "--input", fixture).code == 0
    with serving(fake) as url:
        declare(workspace, "ga4_counts", url)
        pulled = workspace.run(pull_source, "--pull", "ga4_counts", "--out", folder)
    assert pulled.code == 0
    assert "reconcile_counts.py --source ga4" in pulled.result["notes"][-1]
    compare = ("--source", "ga4", "--counts", folder, "--as-of", "2024-03-10", "--tolerance", "0.1")
    assert workspace.run(reconcile_counts, *compare).code == 3
    (cell,) = workspace.table("count_comparisons").collect()
    assert (cell["source"], cell["hour"], cell["platform"], cell["channel"]) == ("ga4", 10, "web", None)
    assert (cell["events"], cell["counted"], cell["difference"], cell["settling"]) == (3, 4, -1, False)
    assert (str(cell["first_at"]), cell["counted_first_at"]) == ("2024-03-01 10:00:10", None)
