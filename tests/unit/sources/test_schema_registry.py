"""Fetch schemas of a registry over HTTP, on the loopback."""

from __future__ import annotations

import pytest

from segmentation.errors import ConfigurationError, DataError, RetryableError
from segmentation.parameters import validated
from segmentation.sources.kafka import KafkaParams
from segmentation.sources.mapping import SourceMapping
from segmentation.sources.schema_registry import fetch_schema
from tests.registry import Registry

SCHEMA = '{"type": "record", "name": "Click", "fields": [{"name": "id", "type": "string"}]}'
FIELDS = {"event_id": "id", "user_id": "user", "event_name": "name", "event_at": "at"}


def params(registry: str, **more: str) -> KafkaParams:
    return KafkaParams(bootstrap_servers="localhost:9092", topic="clicks", registry=registry, **more)


def test_fetch_schema__by_its_id() -> None:
    with Registry({7: {"schema": SCHEMA}}) as registry:
        assert fetch_schema(params(registry.url + "/"), 7) == SCHEMA
        assert fetch_schema(params(registry.url), 8) is None


def test_fetch_schema__another_server_answers() -> None:
    with (
        Registry({7: {"schema": SCHEMA}}) as registry,
        pytest.raises(ConfigurationError, match="is not the address of"),
    ):
        fetch_schema(params(f"{registry.url}/wrong"), 7)


def test_fetch_schema__a_redirect_does_not_take_the_login_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY", "ana:secret")
    with (
        Registry({7: {"schema": SCHEMA}}, "ana:secret") as other,
        Registry({}, "ana:secret", moved_to=other.url) as registry,
    ):
        with pytest.raises(ConfigurationError, match="which was refused: it is another host"):
            fetch_schema(params(registry.url, registry_login="${REGISTRY}"), 7)
        assert other.asked == []


def test_fetch_schema__with_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    with Registry({7: {"schema": SCHEMA}}, login="ana:pass word") as registry:
        with pytest.raises(ConfigurationError, match=r"refuses the login \(401\): see kafka.registry_login"):
            fetch_schema(params(registry.url), 7)
        login = params(registry.url, registry_login="${REGISTRY}")
        with pytest.raises(ConfigurationError, match="REGISTRY is not set"):
            fetch_schema(login, 7)
        monkeypatch.setenv("REGISTRY", "ana:pass word")
        assert fetch_schema(login, 7) == SCHEMA
        monkeypatch.setenv("REGISTRY", "ana:wrong word")
        with pytest.raises(ConfigurationError, match="refuses the login") as raised:
            fetch_schema(login, 7)
    assert "word" not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"schema": "syntax = 'proto3'", "schemaType": "PROTOBUF"}, "is PROTOBUF; only Avro"),
        ({"schema": SCHEMA, "references": [{"name": "Other"}]}, "refers to other schemas"),
        ({"schema": '"string"'}, "is not a record"),
        ({"schema": "{"}, "is not a record"),
        ([], "unreadable"),
    ],
)
def test_fetch_schema__of_another_kind(answer: object, message: str) -> None:
    with Registry({7: answer}) as registry, pytest.raises(DataError, match=message):
        fetch_schema(params(registry.url), 7)


def test_fetch_schema__no_registry() -> None:
    with Registry({}) as registry:
        gone = registry.url
    with pytest.raises(RetryableError, match=r"does not answer \(.*refused.*\); start the same command again"):
        fetch_schema(params(gone), 7)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"format": "avro"}, "messages in avro need kafka.registry"),
        ({"format": "json", "registry": "http://localhost:8081"}, "and no others do"),
        ({"format": "avro", "registry": "localhost:8081"}, "write http://host:port"),
        ({"format": "avro", "registry": "http://ana:secret@localhost"}, "registry_login"),
        ({"format": "avro", "registry": "http://localhost", "registry_login": "ana:secret"}, "registry_login"),
        ({"format": "avro", "registry": "http://registry.example", "registry_login": "${LOGIN}"}, "by https only"),
        ({"format": "json", "registry_login": "${LOGIN}"}, "set registry"),
    ],
)
def test_a_slip_in_the_mapping_is_refused(said: dict[str, str], message: str) -> None:
    kafka = {
        "bootstrap_servers": "localhost:9092",
        "topic": "clicks",
        **{k: v for k, v in said.items() if k != "format"},
    }
    with pytest.raises(ConfigurationError, match=message) as raised:
        validated(SourceMapping, {"name": "clicks", "format": said["format"], "fields": FIELDS, "kafka": kafka}, "f")
    assert "secret" not in str(raised.value)


def test_files_are_not_read_as_avro() -> None:
    with pytest.raises(ConfigurationError, match="avro is that of messages"):
        validated(SourceMapping, {"name": "clicks", "format": "avro", "fields": FIELDS}, "f")
