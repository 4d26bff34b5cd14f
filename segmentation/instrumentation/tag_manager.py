"""A container for Google Tag Manager that sends the events of the data layer to GA4.

The format is that of Tag Manager's own export, version 2 (Admin > Import Container).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmentation.instrumentation.calls import ITEMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentation.instrumentation.calls import Call

ALL_PAGES = "2147479553"
"""Id of Tag Manager's own trigger "All Pages", which every container has."""
MEASUREMENT = "GA4 measurement id"
USER_ID = "user_id"
PREFIX = "plan - "


def build_container(calls: Sequence[Call], measurement_id: str) -> dict[str, Any]:
    """Return a container with a Google tag, and for each event a trigger and a GA4 event tag.

    A variable reads each parameter from the data layer. Every event tag sends `user_id` too, so that events after a
    login carry it. Accounts and ids are placeholders, which Tag Manager replaces at the import.
    """
    sent = {argument.sent_as for call in calls for argument in call.arguments}
    names = sorted(sent | ({ITEMS} if any(call.items for call in calls) else set()) | {USER_ID})
    variables = [_constant(MEASUREMENT, measurement_id), *(_variable(name) for name in names)]
    triggers = [_trigger(call) for call in calls]
    tags = [_google_tag(), *(_event_tag(call, str(number)) for number, call in enumerate(calls, start=1))]
    return {
        "exportFormatVersion": 2,
        "exportTime": "2026-01-01 00:00:00",
        "containerVersion": {
            "path": "accounts/0/containers/0/versions/0",
            "accountId": "0",
            "containerId": "0",
            "containerVersionId": "0",
            "container": {
                "path": "accounts/0/containers/0",
                "accountId": "0",
                "containerId": "0",
                "name": "Tracking plan",
                "publicId": "GTM-0000000",
                "usageContext": ["WEB"],
            },
            "tag": _numbered(tags, "tagId"),
            "trigger": _numbered(triggers, "triggerId"),
            "variable": _numbered(variables, "variableId"),
        },
    }


def _numbered(entities: Sequence[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return [
        {"accountId": "0", "containerId": "0", key: str(number), **entity, "fingerprint": "0"}
        for number, entity in enumerate(entities, start=1)
    ]


def _google_tag() -> dict[str, Any]:
    return _tag("plan - Google tag", "googtag", [_text("tagId", _ref(MEASUREMENT))], ALL_PAGES)


def _event_tag(call: Call, trigger_id: str) -> dict[str, Any]:
    names = [argument.sent_as for argument in call.arguments]
    names += [ITEMS] if call.items else []
    rows = [
        {"type": "MAP", "map": [_text("parameter", name), _text("parameterValue", _ref(PREFIX + name))]}
        for name in (*names, USER_ID)
    ]
    parameters = [
        {"type": "BOOLEAN", "key": "sendEcommerceData", "value": "false"},
        _text("eventName", call.sent_as),
        _text("measurementIdOverride", _ref(MEASUREMENT)),
        {"type": "LIST", "key": "eventSettingsTable", "list": rows},
    ]
    return _tag(PREFIX + call.sent_as, "gaawe", parameters, trigger_id)


def _tag(name: str, kind: str, parameters: Sequence[dict[str, Any]], trigger_id: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "parameter": list(parameters),
        "firingTriggerId": [trigger_id],
        "tagFiringOption": "ONCE_PER_EVENT",
        "monitoringMetadata": {"type": "MAP"},
        "consentSettings": {"consentStatus": "NOT_SET"},
    }


def _trigger(call: Call) -> dict[str, Any]:
    equals = [_text("arg0", "{{_event}}"), _text("arg1", call.sent_as)]
    return {
        "name": PREFIX + call.sent_as,
        "type": "CUSTOM_EVENT",
        "customEventFilter": [{"type": "EQUALS", "parameter": equals}],
    }


def _variable(name: str) -> dict[str, Any]:
    parameters = [
        {"type": "INTEGER", "key": "dataLayerVersion", "value": "2"},
        {"type": "BOOLEAN", "key": "setDefaultValue", "value": "false"},
        _text("name", name),
    ]
    return {"name": PREFIX + name, "type": "v", "parameter": parameters, "formatValue": {}}


def _constant(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "type": "c", "parameter": [_text("value", value)], "formatValue": {}}


def _text(key: str, value: str) -> dict[str, Any]:
    return {"type": "TEMPLATE", "key": key, "value": value}


def _ref(variable: str) -> str:
    return "{{" + variable + "}}"
