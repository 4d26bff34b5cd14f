"""What the mappings that are shipped tell of traits, from records as the systems write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql.types import StructType

from segmentation.profiles.observations import OF_EVENT, observe
from segmentation.profiles.params import find_places, load_profiles
from segmentation.sources.mapping import load_mapping
from segmentation.tables import PARSED_RECORDS
from tests.spark.sources.reading import parse_files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

CONF = Path(__file__).parents[3] / "conf"
Told = dict[str, "str | None"]


def segment(kind: str, **fields: Any) -> str:
    at = "2024-05-01T12:00:00Z"
    times = {"timestamp": at, "originalTimestamp": at, "sentAt": at, "receivedAt": at}
    return json.dumps({"messageId": json.dumps(fields), "type": kind, "userId": "u", **times, **fields})


def posthog(**properties: Any) -> str:
    at = "2024-05-01T12:00:00Z"
    return json.dumps(
        {"uuid": json.dumps(properties), "event": "$set", "distinct_id": "u", "timestamp": at, "properties": properties}
    )


def ga4(**traits: str) -> str:
    user = [{"key": key, "value": {"string_value": value}} for key, value in traits.items()]
    return json.dumps(
        {
            "event_date": "20240501", "event_timestamp": "1714554000000000", "event_name": "page_view",
            "event_params": [], "user_properties": user, "user_pseudo_id": json.dumps(traits), "platform": "WEB",
        }
    )  # fmt: skip


HUBSPOT = "contact_id,email,property,value,changed_at,source_type,owner_id"
SALESFORCE = "Id,ContactId,Field,OldValue,NewValue,CreatedDate,CreatedById"
AT = "2024-05-01T12:00:00.000+0000"
SENT: dict[str, tuple[str, list[tuple[str, Told]]]] = {
    "segment": (
        "",
        [
            (segment("identify", traits={"plan": "pro", "country": "DE", "email": "a@b.c"}),
             {"plan": "pro", "country": "DE"}),
            (segment("identify", traits={"plan": None, "marketing_consent": True}),
             {"plan": None, "marketing_consent": "true"}),
            (segment("track", event="Plan Viewed", properties={"plan": "team"}), {}),
            (segment("group", groupId="acme", traits={"plan": "enterprise"}), {"account": "acme"}),
        ],
    ),
    "posthog": (
        "",
        [
            (posthog(**{"$set": {"plan": "pro", "email": "a@b.c"}}), {"plan": "pro"}),
            (posthog(**{"$set": {"plan": None, "country": "DE"}}), {"plan": None, "country": "DE"}),
            (posthog(**{"$unset": ["plan"]}), {"plan": None}),
            (posthog(**{"$groups": {"company": "acme"}}), {"account": "acme"}),
            (posthog(plan="team"), {}),
        ],
    ),
    "ga4": ("", [(ga4(plan="pro", account="acme", other="x"), {"plan": "pro", "account": "acme"}), (ga4(), {})]),
    "hubspot_contacts": (
        HUBSPOT,
        [
            ("h,a@b.c,lifecyclestage,Customer,1714554000000,x,o", {"lifecycle_stage": "customer"}),
            ("h,a@b.c,lifecyclestage,,1714554001000,x,o", {"lifecycle_stage": None}),
            ("h,a@b.c,country,DE,1714554002000,x,o", {"country": "DE"}),
            ("h,a@b.c,associatedcompanyid,77,1714554003000,x,o", {"account": "77"}),
            ("h,a@b.c,marketing_consent,false,1714554004000,x,o", {"marketing_consent": "false"}),
        ],
    ),
    "salesforce_contacts": (
        SALESFORCE,
        [
            (f"1,003A,Status__c,New,Qualified,{AT},x", {"lifecycle_stage": "Qualified"}),
            (f"2,003A,HasOptedOutOfEmail,false,true,{AT},x", {"marketing_consent": "false"}),
            (f"3,003A,Account,Acme,Other Ltd,{AT},x", {}),
            (f"4,003A,Account,001A,001B,{AT},x", {"account": "001B"}),
            (f"5,003A,MailingCountry,DE,,{AT},x", {"country": None}),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", SENT)
def test_records_tell_the_traits_of_their_person(spark: SparkSession, source: str, tmp_path: Path) -> None:
    head, sent = SENT[source]
    file = tmp_path / ("sent.csv" if head else "sent.json")
    file.write_text("\n".join([*([head] if head else []), *(line for line, _ in sent)]) + "\n", encoding="utf-8")
    rows = parse_files(spark, load_mapping(CONF, source), file)
    assert [row["reasons"] for row in rows] == [[] for _ in sent]
    assert not any("@" in row["properties"] for row in rows if source != "segment")  # it stores all traits
    places = find_places(CONF, load_profiles(CONF), [source])
    columns = ("record_no", *OF_EVENT, "event_name", "properties")
    schema = StructType([PARSED_RECORDS.schema[name] for name in columns])
    events = spark.createDataFrame([tuple(row[name] for name in columns) for row in rows], schema)
    told: dict[int, Told] = {row["record_no"]: {} for row in rows}
    for row in observe(events, places, "record_no").collect():
        told[row["record_no"]][row["trait"]] = row["value"]
    assert list(told.values()) == [expected for _, expected in sent]
