"""What parsing makes of a mapping that asks for pseudonyms, and what its plan shows."""

from __future__ import annotations

import base64
import hmac
import json
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.parameters import WorkspaceParams, validated
from segmentation.privacy.expressions import read_sealed
from segmentation.privacy.keys import Keys, key_frame, pads
from segmentation.privacy.params import PrivacyParams
from segmentation.sources.mapping import SourceMapping
from segmentation.sources.parse import parse_records
from segmentation.sources.readers.files import read_records
from segmentation.sources.readers.units import list_units

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

KEYS = Keys("k9", bytes(range(40, 72)), bytes(range(80, 112)), bytes(range(120, 152)), "check")
MAPPING = {
    "name": "shop",
    "format": "json",
    "columns": "id STRING, user STRING, mail STRING, name STRING, at BIGINT, n BIGINT, hint STRING",
    "fields": {
        "event_id": {"key": ["id", "user"]},
        "user_id": "user",
        "event_name": "name",
        "event_at": {"column": "at", "unit": "s"},
        "session_hint": "hint",
    },
    "properties": {"mail": "mail", "n": "n"},
}
RECORD = {"id": "1", "user": " jo ", "mail": "jo@x.org", "name": "open", "at": 1_704_067_200, "n": 7, "hint": "jo-1"}


def p(text: str) -> str:
    return "k9." + hmac.new(KEYS.pseudonym, text.encode(), "sha256").hexdigest()


def parse(spark: SparkSession, path: str, privacy: PrivacyParams, **changes) -> DataFrame:
    mapping = validated(SourceMapping, {**MAPPING, **changes}, "test").under(privacy)
    raw = read_records(spark, mapping, list_units(spark, mapping, [path]))
    keys = key_frame(spark, KEYS) if mapping.pseudonymise else None
    return parse_records(
        raw, mapping=mapping, allowed_lateness_days=7, clock_skew_hours=24, workspace=WorkspaceParams(), keys=keys
    )


def test_named_fields_become_pseudonyms_and_the_plan_shows_no_key(spark: SparkSession, tmp_path) -> None:
    path = tmp_path / "in.json"
    path.write_text(json.dumps(RECORD) + "\n" + json.dumps(RECORD | {"name": None}) + "\n")
    wide = {"property_map": "map('mail', mail, 'phone', '12', 'left', 'out')", "properties": {"n": "n"}}
    on = PrivacyParams(key_id="k9", pseudonymise=("user", "properties.mail", "properties.phone"))
    cases = {
        "off": parse(spark, str(path), PrivacyParams()),
        "kept": parse(spark, str(path), PrivacyParams(keep_properties=("n", "mail")), keep_properties=["n"]),
        "on": parse(spark, str(path), on),
        "map": parse(spark, str(path), on.model_copy(update={"keep_properties": ("n", "mail", "phone")}), **wide),
    }
    (off, _), (kept, _), (row, bad), (of_map, _) = (df.orderBy("record_no").collect() for df in cases.values())
    assert (off["user_id"], off["session_hint"], off["properties"]) == ("jo", "jo-1", '{"mail":"jo@x.org","n":7}')
    assert (kept["user_id"], kept["properties"]) == ("jo", '{"n":7}')
    assert (row["user_id"], row["identifier"], row["session_hint"]) == (p("jo"), p("jo"), p("jo-1"))
    assert row["event_id"] == p(off["event_id"]), "a hash of personal fields could be guessed"
    assert json.loads(row["properties"]) == {"mail": p("jo@x.org"), "n": 7}
    assert json.loads(of_map["properties"]) == {"mail": p("jo@x.org"), "phone": p("12"), "n": "7"}
    (opened,) = read_sealed(cases["on"].where("rejected").select("raw"), KEYS).collect()
    assert json.loads(opened["raw_text"]) == RECORD | {"name": None}
    assert bad["raw"].startswith("sealed:k9:")
    shown = cases["on"]._jdf.queryExecution().toString()
    assert "_seal_key" in shown
    literal = spark.range(1).select(F.lit(KEYS.seal).alias("_seal_key"))._jdf.queryExecution().toString()
    assert any(spelling in literal.lower() for spelling in spellings(KEYS.seal)), "this is how a key would show"
    for secret in (KEYS.seal, KEYS.pseudonym, KEYS.nonce, *pads(KEYS.pseudonym), *pads(KEYS.nonce)):
        assert not any(spelling in shown.lower() for spelling in spellings(secret))


def spellings(secret: bytes) -> list[str]:
    spaced = " ".join(f"{byte:02x}" for byte in secret)
    return [secret.hex()[:32], spaced[:47], base64.b64encode(secret).decode().lower()[:24], str(list(secret))[1:20]]
