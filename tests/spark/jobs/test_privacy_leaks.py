"""Pseudonyms end to end: nothing of a person and nothing of the key is anywhere, and the engine stays exact."""

from __future__ import annotations

import base64
import hmac
import json
import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs import drop_raw_text, ingest_events
from segmentation.privacy.expressions import read_sealed
from segmentation.privacy.keys import load_keys, pads
from segmentation.privacy.params import PrivacyParams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from tests.spark.jobs.conftest import Workspace

pytestmark = [pytest.mark.spark, pytest.mark.faults]  # two whole ingests: minutes

SECRET = "0badc0de" * 8
MAPPING = """
format: json
columns: >-
  user STRING, mail STRING, name STRING, at BIGINT, got BIGINT, plan STRING, note STRING, more MAP<STRING, STRING>
fields:
  event_id: {key: [user, at]}
  user_id: user
  event_name: name
  event_at: {column: at, unit: s}
  received_at: {column: got, unit: s}
properties: {mail: mail, plan: plan, note: note}
property_map: more
pseudonymise: [user, properties.mail, properties.phone]
keep_properties: [mail, plan, phone]
"""
AT = 1_704_067_200
CANARIES = ("canary-user", "canary@example.org", "canary-note", "canary-phone", "canary-extra", "canary-broken")
OPEN = "visible-plan"
"""Not personal: found, or the search finds nothing at all."""


def line(**changes) -> str:
    record = {"user": "canary-user", "mail": "canary@example.org", "name": "open", "at": AT, "got": AT + 60}
    record |= {"plan": OPEN, "note": "canary-note", "more": {"phone": "canary-phone", "extra": "canary-extra"}}
    return json.dumps(record | changes) + "\n"


@contextmanager
def event_log(spark: SparkSession, folder: Path) -> Iterator[Path]:
    """Let Spark write its event log while inside, as a cluster does."""
    context, jvm = spark.sparkContext, spark.sparkContext._jvm
    conf = context._jsc.sc().conf().clone().set("spark.eventLog.compress", "false")
    conf.set("spark.eventLog.rolling.enabled", "false")
    log_folder = jvm.java.net.URI(folder.as_uri())
    listener = jvm.org.apache.spark.scheduler.EventLoggingListener("log", jvm.scala.Option.empty(), log_folder, conf)
    listener.start()
    context._jsc.sc().addSparkListener(listener)
    try:
        yield folder
    finally:
        context._jsc.sc().listenerBus().waitUntilEmpty()
        context._jsc.sc().removeSparkListener(listener)
        listener.stop()


def needles() -> list[bytes]:
    """Everything that must not be found: persons, the secret and what is derived from it, in every spelling."""
    keys = load_keys(PrivacyParams())
    secrets = [bytes.fromhex(SECRET), keys.pseudonym, keys.nonce, keys.seal, *pads(keys.pseudonym), *pads(keys.nonce)]
    found = [text.encode() for text in (*CANARIES, SECRET)]
    for secret in secrets:
        found += [secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret)[:40]]
    return found


def test_no_person_and_no_key_is_stored_shown_or_logged(workspace: Workspace, monkeypatch, caplog) -> None:
    monkeypatch.setenv("SEGMENTATION_PRIVACY_KEY", SECRET)
    workspace.source("shop", MAPPING)
    conf = workspace.spark.conf
    (workspace.folder / "log").mkdir()
    first = (
        line() + line(plan="later", got=AT + 90) + line(got=AT + 90) + line(user="canary-user-2", at=AT + 5)
        + line(name="") + '{"user": "canary-broken", \n' + line(user="canary-user-3", at=AT - 30 * 86_400)
    )  # fmt: skip
    before = str(conf.get("spark.sql.parquet.compression.codec"))
    conf.set("spark.sql.parquet.compression.codec", "uncompressed")  # what is stored can be searched as it stands
    seen = []
    try:
        with caplog.at_level(logging.DEBUG), event_log(workspace.spark, workspace.folder / "log"):
            for name, content in (("first", first), ("second", line(plan="earlier", got=AT + 30))):
                path = workspace.file(f"{name}.json", content)
                done = workspace.run(ingest_events, "--source", "shop", "--input", path)
                assert done.code == 0, done.stderr
                seen.append(json.dumps(done.result) + done.stderr)
    finally:
        conf.set("spark.sql.parquet.compression.codec", before)
    seen.append(caplog.text)
    logged = b"".join(path.read_bytes() for path in (workspace.folder / "log").iterdir())
    stored = b"".join(path.read_bytes() for path in workspace.lake.rglob("*") if path.is_file())
    assert b"_seal_key" in logged, "the plan that uses the keys is in the log"
    assert OPEN.encode() in stored
    for needle in needles():
        assert needle not in logged
        assert needle not in stored
        assert needle not in "".join(seen).encode()
    check_tables(workspace)
    check_other_parameters(workspace, monkeypatch, path)
    check_rebuild(workspace, monkeypatch, path)
    check_retention(workspace)


def name_of(text: str) -> str:
    return "k1." + hmac.new(load_keys(PrivacyParams()).pseudonym, text.encode(), "sha256").hexdigest()


def check_tables(workspace: Workspace) -> None:
    """The earliest received survives though it came last; verdicts are kept as pseudonyms, the rest is sealed."""
    events = {row["user_id"]: row for row in workspace.table("events").collect()}
    assert sorted(events) == sorted([name_of("canary-user"), name_of("canary-user-2")])
    survivor = events[name_of("canary-user")]
    assert survivor["identifier"] == survivor["user_id"]
    kept = {"mail": name_of("canary@example.org"), "phone": name_of("canary-phone"), "plan": "earlier"}
    assert json.loads(survivor["properties"]) == kept
    quarantine = workspace.table("quarantine")
    rows = read_sealed(quarantine, load_keys(PrivacyParams())).collect()
    texts = sorted((row["reason"], row["raw_text"] if row["raw"] != row["raw_text"] else "payload") for row in rows)
    assert texts == [
        ("conflict", "payload"),
        ("conflict", "payload"),
        ("conflict", "payload"),
        ("malformed", '{"user": "canary-broken", '),
        ("null_event_name", line(name="").strip()),
        ("too_late", "payload"),
    ]


def check_other_parameters(workspace: Workspace, monkeypatch, path: str) -> None:
    """Tables never mix keys, and never pseudonyms with names."""
    others = (
        (SECRET, "--set", "privacy.key_id=k2"),
        ("1" + SECRET[1:], "--set", "privacy.raw_days=30"),
        (SECRET, "--set", "privacy.pseudonymise=[event_id]"),
        ("", "--set", "privacy.raw_days=30"),
    )
    for secret, *override in others:
        monkeypatch.setenv("SEGMENTATION_PRIVACY_KEY", secret)
        refused = workspace.run(ingest_events, "--source", "shop", "--input", path, *override)
        assert refused.code == 2
        assert ("--rebuild" if secret else "64 hexadecimal digits") in refused.stderr
    monkeypatch.setenv("SEGMENTATION_PRIVACY_KEY", SECRET)
    workspace.source("shop", MAPPING.replace("pseudonymise: [user", "pseudonymise: [event_id"))
    assert workspace.run(ingest_events, "--source", "shop", "--input", path).code == 2


def check_rebuild(workspace: Workspace, monkeypatch, path: str) -> None:
    """A rebuild puts the tables under another key; without any key it clears nothing."""
    workspace.source("shop", MAPPING)
    asked = ("--source", "shop", "--input", path, "--rebuild", "--set", "privacy.key_id=k2")
    before = {row["user_id"] for row in workspace.table("events").collect()}
    monkeypatch.setenv("SEGMENTATION_PRIVACY_KEY", "")
    assert workspace.run(ingest_events, *asked).code == 2
    assert {row["user_id"] for row in workspace.table("events").collect()} == before
    monkeypatch.setenv("SEGMENTATION_PRIVACY_KEY", SECRET)
    assert workspace.run(ingest_events, *asked).code == 0
    renamed = {user.replace("k1.", "k2.") for user in before}  # the same secret under another name
    assert {row["user_id"] for row in workspace.table("events").collect()} == renamed
    quarantine = read_sealed(workspace.table("quarantine"), load_keys(PrivacyParams(key_id="k2")))
    assert quarantine.where("raw_text IS NULL").isEmpty()


def check_retention(workspace: Workspace) -> None:
    """Sealed text goes when its days are over, a repeat changes nothing, and what the engine restores from stays."""
    kept = workspace.run(drop_raw_text, "--as-of", "2024-01-02")
    assert (kept.code, kept.result["quality"]["dropped"]) == (0, 0)
    gone = workspace.run(drop_raw_text, "--as-of", "2999-01-01")
    assert (gone.code, gone.result["quality"]["dropped"]) == (0, 2), gone.stderr
    rows = workspace.table("quarantine").collect()
    empty = sorted(row["reason"] for row in rows if row["raw"] is None)
    assert (len(rows), empty) == (6, ["malformed", "null_event_name"])
    version = workspace.pointer()["quarantine"]
    assert workspace.run(drop_raw_text, "--as-of", "2999-01-01").result["quality"]["dropped"] == 0
    assert workspace.pointer()["quarantine"] == version
