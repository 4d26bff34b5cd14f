"""A table of a real PostgreSQL: rows land once, whatever dies, and by a time as by a number."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from jobs import ingest_events
from segmentation.sources.jdbc import sort_landed
from segmentation.tables.reference import all_tables
from tests.digest import digest
from tests.faults.postgres import PASSWORD, ROLE, Postgres
from tests.spark.jobs.conftest import workspace  # noqa: F401  a fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from tests.spark.jobs.conftest import Outcome, Workspace

pytestmark = [pytest.mark.spark, pytest.mark.faults]

MAPPING = """
format: parquet
jdbc:
  url: {url}
  table: orders
  watermark: {watermark}
  overlap: {overlap}
  file_rows: 400
  options: {{user: {role}, password: "${{SHOP_PASSWORD}}"}}
fields:
  event_id: id
  user_id: customer
  event_name: {{constant: purchase}}
  event_at: bought_at
  value: amount
properties: [note]
"""
TABLE = """
CREATE TABLE orders (
  id bigint PRIMARY KEY, customer text, bought_at timestamptz, amount numeric(12, 2), note text, changed_at timestamp
)
"""
ROWS = """
INSERT INTO orders SELECT n, 'c' || n % 50, timestamptz '2024-01-01 00:00:00+02' + n * interval '10 minutes', n / 4.0,
  'note ' || n, timestamp '2024-01-01' + (n / 2) * interval '10 minutes' FROM generate_series({}, {}) AS n
"""


@pytest.fixture
def server() -> Iterator[Postgres]:
    postgres = Postgres()
    postgres.start()
    yield postgres
    postgres.remove()


def test_rows_are_taken_in_once(
    server: Postgres,
    workspace: Workspace,  # noqa: F811  the fixture
    monkeypatch: pytest.MonkeyPatch,
    spark: SparkSession,
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    given = {"url": server.url, "role": ROLE, "overlap": 0}
    workspace.source("shop", MAPPING.format(watermark="changed_at", **given))

    def run() -> Outcome:
        return workspace.run(ingest_events, "--source", "shop")

    refused = run()
    assert refused.code == 2, refused.stderr
    assert 'relation "orders" does not exist' in refused.stderr
    server.sql(TABLE)
    assert run().result["notes"] == ["no new row: unchanged"]
    server.sql(ROWS.format(1, 1000) + "; INSERT INTO orders (id) VALUES (0)")
    first = run()
    assert first.code == 0, first.stderr
    assert "1 rows without changed_at are not read" in first.result["notes"]
    assert (first.result["quality"]["read"], first.result["quality"]["accepted"]) == (1000, 1000)
    rows = workspace.lake / "_raw" / "shop" / "rows"
    assert len(sort_landed(map(str, rows.glob("*.parquet"))).whole) == 3

    # The last watermark gets a neighbour, and a run dies while it lands what is new: half of its files are there.
    server.sql(ROWS.format(1001, 1500))
    left = next(rows.glob("begin_*.1of3.parquet"))
    reach = left.name.split("_")[1].split(".")[0]
    shutil.copy(left, rows / f"{reach}_{int(reach) + 5}.1of2.parquet")
    second = run().result["quality"]
    assert (second["accepted"], second["duplicate"]) == (1500, 1)  # 1000 is read again: 1001 has its watermark
    assert sort_landed(map(str, rows.glob("*.parquet"))).broken == []
    unchanged = run().result
    assert "no new row: unchanged" in unchanged["notes"]
    assert unchanged["quality"] == second

    event = workspace.table("events").where("event_id = '8'").first()
    assert (event["user_id"], str(event["value"]), event["properties"]) == ("c8", "2.0000", '{"note":"note 8"}')
    assert event["event_at"].timestamp() == 1_704_060_000 + 8 * 600
    monkeypatch.setenv("SHOP_PASSWORD", "wrong")
    assert run().code == 2
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    server.stop()
    stopped = run()
    assert stopped.code == 4, stopped.stderr
    server.start()
    before = digest(spark, workspace.lake, all_tables())
    assert workspace.run(ingest_events, "--source", "shop", "--rebuild").code == 0
    assert digest(spark, workspace.lake, all_tables()) == before
    stored = b"".join(path.read_bytes() for path in workspace.lake.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in stored

    # By a number, in another lake: the same events; rows that come out of order are found by the overlap.
    shutil.rmtree(workspace.lake)
    server.sql("DELETE FROM orders WHERE id = 1490 OR id = 0")
    workspace.source("shop", MAPPING.format(watermark="id", **{**given, "overlap": 100}))
    assert run().result["quality"]["accepted"] == 1499
    server.sql(ROWS.format(1490, 1490) + ";" + ROWS.format(1501, 1501))
    third = run().result["quality"]
    assert (third["accepted"], third["duplicate"]) == (1501, 100)
    server.sql("DELETE FROM orders WHERE id > 1000")
    assert run().code == 3
