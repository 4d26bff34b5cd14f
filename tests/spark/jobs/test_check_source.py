"""A file that nobody has described: a draft that fits it, and what would become of every record; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs import check_source, ingest_events

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark

DRAFT = """description: Events of shop.
format: csv
delimiter: ";"
multiline: true   # quoted fields hold line breaks
fields:
  # No column identifies an event: all together do, so only exact copies are duplicates.
  event_id: {key: [customer_id, ordered, amount, note]}
  user_id: customer_id
  event_name: {constant: purchase}   # what happened? a column, a constant or an expression
  event_at: {column: ordered, format: "dd.MM.yyyy HH:mm", zone: UTC}
  value: {expr: "replace(replace(`amount`, '.', ''), ',', '.')"}   # a decimal comma
  # currency: {constant: EUR}   # unless it is the reporting currency
properties: [note]
"""


def test_a_slightly_dirty_file_is_drafted_and_shown(workspace: Workspace) -> None:
    orders = [f"K-{n % 7};{n % 28 + 1:02}.03.2024 10:{n % 60:02};1.0{n % 90 + 10},50;" for n in range(60)]
    orders[3] += '"rings twice;\nthen waits"'
    orders[8] = ";09.03.2024 10:08;5,00;"
    orders[20:20] = [orders[19], "broken;line", ";09.03.2024 10:08;6,00;", "Zoe\u0308;09.03.2024 10:08;6,00;"]
    orders.append("K-1;yesterday;5,00;")
    path = workspace.file("orders.csv", "\n".join(["customer_id;ordered;amount;note", *orders]))
    outcome = workspace.run(check_source, "--source", "shop", "--input", path, "--infer")
    assert outcome.code == 0, outcome.stderr
    drafted = (workspace.folder / "conf" / "sources" / "shop.yaml").read_text()
    assert drafted.partition("\n")[2] == DRAFT
    found = outcome.result["quality"]
    assert {name: found[name] for name in ("records", "accepted", "identities", "users", "decomposed")} == {
        "records": 65,
        "accepted": 61,
        "identities": 60,
        "users": 8,
        "decomposed": 1,
    }
    assert found["reasons"] == {"null_user": 2, "malformed": 1, "unreadable_time": 1}
    places = {reason: place.rsplit(" ", 2)[1:] for reason, place in found["examples"].items()}
    assert places == {"null_user": ["record", "10"], "malformed": ["record", "23"], "unreadable_time": ["record", "66"]}
    assert found["fields"]["value"]["greatest"] == "1069.5000"
    assert "`id_form: nfc`" in outcome.stderr
    assert not workspace.lake.exists()
    again = workspace.run(check_source, "--source", "shop", "--input", path, "--infer")
    assert (again.code, "exists already" in again.stderr) == (2, True)


def test_a_draft_that_is_refused_or_unfinished_does_not_block_the_next(workspace: Workspace) -> None:
    target = workspace.folder / "conf" / "sources" / "shop.yaml"
    text = "customer_id\taction\torder_date\nc1\tbuy\t2024-05-01 10:00:00\n"
    path = workspace.folder / "orders.txt"
    path.write_bytes(text.encode("utf-32"))
    refused = workspace.run(check_source, "--source", "shop", "--input", str(path), "--infer")
    assert (refused.code, "UTF-32" in refused.stderr, "iconv" in refused.stderr) == (3, True, True)
    assert not target.exists()
    path.write_text(text.replace("2024-05-01 10:00:00", "once"))
    unfinished = workspace.run(check_source, "--source", "shop", "--input", str(path), "--infer")
    assert (unfinished.code, "TODO" in target.read_text()) == (2, True)
    path.write_text(text)
    assert workspace.run(check_source, "--source", "shop", "--input", str(path), "--infer").code == 0
    assert "TODO" not in target.read_text()


def test_dates_and_row_numbers_of_a_data_frame(workspace: Workspace) -> None:
    bought = "c1,buy now,12/1/2010 8:26,5"
    rows = [bought, "c2,look,1/13/2011 10:05,", bought, "c3,buy now,7/4/2011 9:00,7"]
    path = workspace.file(
        "f.csv", ",customer_id,action,order_date,amount\n" + "".join(f"{n},{row}\n" for n, row in enumerate(rows))
    )
    outcome = workspace.run(check_source, "--source", "frame", "--input", path, "--infer")
    found = outcome.result["quality"]
    assert (outcome.code, found["records"], found["accepted"], found["identities"]) == (0, 4, 4, 3)
    assert found["fields"]["event_at"]["least"] == "2010-12-01 08:26:00"
    assert found["fields"]["event_at"]["greatest"] == "2011-07-04 09:00:00"
    assert "no event is a conversion" in outcome.stderr
    assert "sound like one: buy now" in outcome.stderr
    assert workspace.run(ingest_events, "--source", "frame", "--input", path).result["quality"]["duplicate"] == 1


def test_a_folder_of_folders_is_drafted(workspace: Workspace) -> None:
    for event, user in (("purchase", "ana"), ("view", "ben")):
        folder = workspace.folder / "in" / f"event_name={event}"
        folder.mkdir(parents=True)
        (folder / "part-0.jsonl").write_text(f'{{"user_id": "{user}", "ts": "2024-05-01 10:00:00 UTC"}}\n')
        (folder / "notes.txt").write_text("")
    outcome = workspace.run(check_source, "--source", "app", "--input", str(workspace.folder / "in"), "--infer")
    assert outcome.code == 0, outcome.stderr
    draft = (workspace.folder / "conf" / "sources" / "app.yaml").read_text()
    assert "event_name: event_name" in draft
    assert (outcome.result["quality"]["accepted"], outcome.result["quality"]["users"]) == (2, 2)


def test_an_access_log_is_recognised_and_read_whole(workspace: Workspace) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0"
    at = "[01/May/2024:10:00:00 +0200]"
    lines = [
        f'203.0.113.7 - - {at} "GET /shop?q=1 HTTP/1.1" 200 512 "https://a.example/?q=\\"x\\"" "{agent}"',
        f'203.0.113.7 - Anna Meyer {at} "GET /cart HTTP/1.1" 200 5 "-" "{agent}"',
        f'shop.example:443 203.0.113.8 - - {at} "GET /shop HTTP/1.1" 200 5 "-" "{agent}"',
        f'203.0.113.9 - - {at} "GET /a HTTP/1.1" 200 5 "-" "Scanner \\"x\\" Googlebot/2.1"',
        f'203.0.113.7 - - {at} "GET /style.css HTTP/1.1" 200 5 "-" "{agent}"',
        f'203.0.113.7 - - {at} "GET /gone HTTP/1.1" 404 5 "-" "{agent}"',
        f'203.0.113.9 - - {at} "\\x16\\x03\\x01" 400 5 "-" "-"',
        f'203.0.113.9 - - {at} "GET /feed HTTP/1.1" 200 5 "-" "Feedbin feed-id:1 - 2 subscribers"',
        f'203.0.113.9 - - {at} "GET /robots.txt HTTP/1.1" 200 5 "-" "-"',
    ]
    path = workspace.file("web.log", "\n".join(lines) + "\n")
    drafted = workspace.run(check_source, "--source", "web", "--input", path, "--infer")
    assert drafted.code == 0, drafted.stderr
    outcome = workspace.run(ingest_events, "--source", "web", "--input", path)
    quality = outcome.result["quality"]
    assert (outcome.code, quality["accepted"], quality["excluded"]) == (0, 3, 6)  # six of nine are no reason to stop
    assert quality["reasons"] == {"known_bot": 2, "not_a_page": 2, "request_failed": 2}
    events = workspace.table("events").orderBy("event_name", "user_id").collect()
    assert [(e["event_name"], str(e["event_at"])) for e in events] == [
        ("GET /cart", "2024-05-01 08:00:00"),
        ("GET /shop", "2024-05-01 08:00:00"),
        ("GET /shop", "2024-05-01 08:00:00"),
    ]
    assert events[0]["user_id"] == "Anna Meyer"
    assert "a.example" in {event["channel"] for event in events}
    assert any('?q=\\"x\\"' in event["properties"] for event in events)
