"""A file that nobody has described: a draft that fits it, and what would become of every record; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs import check_source

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
