"""Bad input: a clear message, its exit code, and nothing half-written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs import build_features, build_sessions, ingest_events, score_segments

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark

MAPPING = """
format: csv
fields:
  event_id: {key: [user, event, time, price]}
  user_id: user
  event_name: event
  event_at: {column: time, format: "yyyy-MM-dd HH:mm:ss"}
  value: {column: price, min: 0}
"""
GOOD = "user,event,time,price\nana,view,2024-05-01 10:00:00,1.50\n"


def ingest(workspace: Workspace, *paths: str, source: str = "shop"):
    workspace.source("shop", MAPPING)
    return workspace.run(ingest_events, "--source", source, "--input", *paths)


@pytest.mark.parametrize(
    ("content", "source", "code", "words"),
    [
        (None, "shop", 2, ["absent.csv", "does not exist"]),
        ("", "shop", 3, ["shop.csv", "empty"]),
        (GOOD, "shopp", 2, ["unknown source 'shopp'", "did you mean 'shop'?"]),
        ("user,event,price\nana,view,1\n", "shop", 2, ["shop.csv", "no column time", "user, event, price"]),
        ("user,event,time,price\n", "shop", 3, ["holds no records"]),
        ("user,event,time,price\n,view,2024-05-01 10:00:00,1\n", "shop", 3, ["no record is left", "null_user 1"]),
        (GOOD + "x\n" * 3, "shop", 3, ["75.0%", "malformed 3", "max_rejected_share"]),
    ],
)
def test_refused_inputs_publish_nothing(
    workspace: Workspace, content: str | None, source: str, code: int, words: list[str]
) -> None:
    path = str(workspace.folder / "absent.csv") if content is None else workspace.file("shop.csv", content)
    outcome = ingest(workspace, path, source=source)
    assert outcome.code == code
    assert outcome.result["status"] == "failed"
    for word in words:
        assert word in outcome.stderr
    assert not (workspace.lake / "publications").exists()


def test_bad_rows_are_quarantined_with_reason_text_and_line(workspace: Workspace) -> None:
    bad = [
        "ben,view,yesterday,1.00",
        "ben,view,2024-05-01 10:00:00,-1",
        "ben,view,2024-05-01 10:00:00,cheap",
        "ben,view,2024-05-01",
        ",,2024-05-01 10:00:00,2",
    ]
    good = [f"ana,view,2024-05-01 10:00:{second:02d},1.50" for second in range(6)]
    path = workspace.file("shop.csv", "\n".join(["user,event,time,price", *good, "", *bad]) + "\n")
    outcome = ingest(workspace, path)
    assert outcome.code == 0
    rows = {row["raw"]: row for row in workspace.table("quarantine").collect()}
    reasons = [rows[line]["reasons"] for line in bad]
    assert reasons == [
        ["unreadable_time"],
        ["out_of_range"],
        ["unreadable_number"],
        ["malformed"],
        ["null_user", "null_event_name"],
    ]
    assert [rows[line]["location"].rsplit(" line ", 1)[1] for line in bad] == ["9", "10", "11", "12", "13"]
    quality = outcome.result["quality"]
    assert (quality["read"], quality["unparsable"], quality["parsed"]) == (11, 1, 10)
    assert (quality["accepted"], quality["quarantined"]) == (6, 4)


def test_hostile_json_lines_lose_nothing(workspace: Workspace) -> None:
    workspace.source(
        "app",
        """
format: json
fields:
  event_id: id
  user_id: user
  event_name: event
  event_at: {column: at, unit: ms}
""",
    )
    good = [f'{{"id": {10**18 + n}, "user": "ana", "event": "open", "at": 1714557600123}}' for n in range(6)]
    bad = [
        '{"id": "a", "user": "ana", "event": "open", "at": 1}{"id": "b", "user": "ana", "event": "open", "at": 1}',
        '{"id": "c", "user": "ana"',
        "not json",
        '{"id": "d", "user": "ana", "event": "open", "at": NaN}',
    ]
    path = workspace.file("app.jsonl", "\n".join([*good, *bad]))
    outcome = workspace.run(ingest_events, "--source", "app", "--input", path)
    assert outcome.code == 0
    rows = {row["raw"]: row["reasons"] for row in workspace.table("quarantine").collect()}
    assert [rows[line] for line in bad] == [["malformed"]] * 4
    events = workspace.table("events").orderBy("event_id").collect()
    assert [event["event_id"] for event in events] == [str(10**18 + n) for n in range(6)]
    assert str(events[0]["event_at"]).startswith("2024-05-01 10:00:00.123")


def test_a_truncated_gzip_is_named_and_refused(workspace: Workspace) -> None:
    import gzip  # noqa: PLC0415

    path = workspace.folder / "shop.csv.gz"
    path.write_bytes(gzip.compress((GOOD * 500).encode())[:-60])
    outcome = ingest(workspace, str(path))
    assert outcome.code == 3
    assert "shop.csv.gz" in outcome.stderr
    assert not (workspace.lake / "publications").exists()


def test_jobs_say_which_job_must_run_first(workspace: Workspace) -> None:
    for job, needed in ((build_sessions, "ingest_events"), (build_features, "ingest_events")):
        outcome = workspace.run(job)
        assert outcome.code == 2
        assert f"run jobs/{needed}.py first" in outcome.stderr
    assert workspace.run(score_segments).code == 2


def test_unknown_configuration_keys_name_the_nearest(workspace: Workspace) -> None:
    outcome = workspace.run(build_sessions, "--set", "sessions.timeout=60")
    assert outcome.code == 2
    assert "sessions.timeout" in outcome.stderr
    assert "did you mean 'timeout_s'?" in outcome.stderr


def test_changed_parameters_are_refused_until_the_rebuild(workspace: Workspace) -> None:
    rows = "".join(f"ana,view,2024-05-01 10:0{minute}:00,1\n" for minute in range(5))
    first = workspace.file("a.csv", "user,event,time,price\n" + rows)
    assert ingest(workspace, first).code == 0
    assert workspace.table("sessions").count() == 1
    second = workspace.file("b.csv", GOOD)
    arguments = ("--source", "shop", "--input", second, "--set", "sessions.timeout_s=30")
    refused = workspace.run(ingest_events, *arguments)
    assert refused.code == 2
    assert "other parameters (sessions)" in refused.stderr
    assert "--rebuild" in refused.stderr
    assert workspace.run(ingest_events, *arguments, "--rebuild").code == 0
    assert workspace.table("sessions").count() == 5
