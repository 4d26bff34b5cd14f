"""Which offsets come next, what is lost, and what a mapping may say of a topic."""

from __future__ import annotations

from typing import Any

import pytest

from segmentation.errors import ConfigurationError, DataError
from segmentation.parameters import validated
from segmentation.sources.kafka import (
    KafkaParams,
    OffsetLimits,
    OffsetRange,
    advanced,
    check_lost,
    landed_range,
    plan_round,
    standings,
)
from segmentation.sources.mapping import SourceMapping

TOPIC = "clicks"
STOP = KafkaParams(bootstrap_servers="b:9092", topic=TOPIC)
SKIP = KafkaParams(bootstrap_servers="b:9092", topic=TOPIC, lost_offsets="skip")
FIELDS = {"event_id": "id", "user_id": "user", "event_name": "name", "event_at": "at"}


def ranges(*parts: tuple[int, int, int]) -> list[OffsetRange]:
    return [OffsetRange(TOPIC, *part) for part in parts]


def walk(
    taken: list[OffsetRange],
    landed: list[OffsetRange],
    limits: dict[int, OffsetLimits],
    size: int,
    params: KafkaParams = STOP,
) -> list[list[OffsetRange]]:
    """Every round until the end."""
    places = standings(TOPIC, taken, landed, limits)
    check_lost(params, places, limits)
    rounds = []
    while found := plan_round(TOPIC, places, limits, size):
        rounds.append(found)
        places = advanced(places, found)
    return rounds


@pytest.mark.parametrize(
    ("taken", "landed", "limits", "expected"),
    [
        pytest.param([], [], {0: OffsetLimits(0, 0)}, [], id="an empty topic"),
        pytest.param(
            [],
            [],
            {0: OffsetLimits(7, 25), 1: OffsetLimits(0, 3)},
            [ranges((0, 7, 17), (1, 0, 3)), ranges((0, 17, 25))],
            id="from the earliest to the latest, in bounded ranges",
        ),
        pytest.param(
            ranges((0, 0, 10), (0, 10, 12)),
            [],
            {0: OffsetLimits(0, 15)},
            [ranges((0, 12, 15))],
            id="on from what was taken in",
        ),
        pytest.param(
            ranges((0, 0, 10)),
            ranges((0, 0, 10), (0, 10, 13), (0, 11, 99)),
            {0: OffsetLimits(0, 15)},
            [ranges((0, 10, 13)), ranges((0, 13, 15))],
            id="what a crash left is taken as it stands, what does not follow is let lie",
        ),
        pytest.param(
            [],
            ranges((0, 3, 5), (0, 5, 9)),
            {0: OffsetLimits(8, 12)},
            [ranges((0, 3, 5)), ranges((0, 5, 9)), ranges((0, 9, 12))],
            id="with the tables lost, what has landed comes first, whatever the broker still has",
        ),
        pytest.param(ranges((0, 0, 10)), [], {0: OffsetLimits(10, 10)}, [], id="all was taken in, then deleted"),
    ],
)
def test_rounds(
    taken: list[OffsetRange],
    landed: list[OffsetRange],
    limits: dict[int, OffsetLimits],
    expected: list[list[OffsetRange]],
) -> None:
    of_another = [OffsetRange("views", 0, 0, 1_000)]
    assert walk([*taken, *of_another], [*landed, *of_another], limits, 10) == expected


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({0: OffsetLimits(13, 20)}, ["clicks-0", "offsets 10 to 12", "lost_offsets: skip"]),
        ({0: OffsetLimits(0, 9)}, ["clicks-0", "up to 10", "end is 9", "made anew"]),
        ({1: OffsetLimits(0, 9)}, ["clicks-0", "made anew"]),
    ],
)
def test_lost_offsets_stop(limits: dict[int, OffsetLimits], words: list[str]) -> None:
    with pytest.raises(DataError) as raised:
        walk(ranges((0, 0, 10)), [], limits, 10)
    for word in words:
        assert word in str(raised.value)


def test_lost_offsets_are_skipped_where_the_mapping_says_so() -> None:
    limits = {0: OffsetLimits(13, 20)}
    places = standings(TOPIC, ranges((0, 0, 10)), [], limits)
    assert len(check_lost(SKIP, places, limits)) == 1
    assert walk(ranges((0, 0, 10)), [], limits, 100, SKIP) == [ranges((0, 13, 20))]


def test_a_range_is_known_by_its_path_and_is_the_same_unit_wherever_it_lies() -> None:
    one = OffsetRange("a.b-c_d", 12, 3, 99)
    assert landed_range(f"file:/lake/_raw/shop/{one.path()}") == one
    assert landed_range("file:/data/clicks-3.parquet") is None
    assert one.unit_id("shop") == OffsetRange("a.b-c_d", 12, 3, 99).unit_id("shop") != one.unit_id("web")


def mapping(**given: Any) -> SourceMapping:
    kafka = {"bootstrap_servers": "b:9092", "topic": TOPIC, **given.pop("kafka", {})}
    return validated(
        SourceMapping, {"name": "shop", "format": "json", "fields": FIELDS, "kafka": kafka, **given}, "shop.yaml"
    )


def test_neither_servers_nor_secrets_shape_the_tables(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "password").write_text("file-canary\n")
    monkeypatch.setenv("CANARY", "environment-canary")
    jaas = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="${CANARY}";'
    options = {
        "sasl.jaas.config": jaas,
        "ssl.key.password": f"${{file:{tmp_path}/password}}",
        "enable.metrics.push": False,
    }
    there = mapping(kafka={"bootstrap_servers": "other:1", "options": options})
    assert there.fingerprint == mapping().fingerprint
    assert "canary" not in repr(there)
    assert there.kafka is not None
    client = there.kafka.client()
    assert 'password="environment-canary"' in client["sasl.jaas.config"]
    assert client["ssl.key.password"] == "file-canary"
    assert (client["enable.metrics.push"], client["isolation.level"]) == ("false", "read_committed")
    monkeypatch.delenv("CANARY")
    with pytest.raises(ConfigurationError, match="CANARY is not set"):
        there.kafka.client()


def test_messages_are_received_at_their_timestamp_unless_mapped() -> None:
    received = mapping().fields.received_at
    assert received is not None
    assert received.column == "kafka_timestamp"
    named = mapping(fields={**FIELDS, "received_at": {"column": "sent", "unit": "ms"}}).fields.received_at
    assert named is not None
    assert named.column == "sent"
    assert mapping().raw_columns == ("at", "id", "name", "user")


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"format": "parquet"}, "format"),
        ({"format": "csv"}, "header"),
        ({"encoding": "latin-1"}, "UTF-8"),
        ({"supersede": {"key": "(a)"}}, "supersede"),
        ({"kafka": {"topic": "a/b"}}, "kafka.topic"),
        ({"kafka": {"options": {"ssl.key.password": "s3cret"}}}, "holds a secret"),
        ({"kafka": {"options": {"sasl.jaas.config": 'x required username="u" password="s3cret";'}}}, "holds a secret"),
        ({"kafka": {"servers": "b"}}, "unknown key 'kafka.servers'"),
    ],
)
def test_mappings_that_cannot_be_meant(given: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        mapping(**given)
    assert word in str(raised.value)
    assert "s3cret" not in str(raised.value)
