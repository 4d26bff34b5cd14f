"""Do what Google Tag Manager and GA4 do with pushes into the data layer, by a container: for tests."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
NO_VALUE = {"string_value": None, "int_value": None, "float_value": None, "double_value": None}


def fire_tags(container: Json, pushes: list[Json]) -> list[tuple[str, Json]]:
    """Return name and parameters of the GA4 events that a container sends; a parameter is left out if undefined.

    A push is merged into the data layer's model, in which a key stays until a later push names it.
    """
    version = container["containerVersion"]
    keys = {v["name"]: _value(v["parameter"], "name") for v in version["variable"] if v["type"] == "v"}
    triggers = {t["triggerId"]: _event_of(t) for t in version["trigger"]}
    model: Json = {}
    sent = []
    for push in pushes:
        model = {**model, **push}
        for tag in version["tag"]:
            event = triggers.get(tag["firingTriggerId"][0])
            if tag["type"] != "gaawe" or event is None or event != push.get("event"):
                continue
            rows = next(p["list"] for p in tag["parameter"] if p["key"] == "eventSettingsTable")
            named = {_value(row["map"], "parameter"): _value(row["map"], "parameterValue") for row in rows}
            values = {name: model.get(keys[variable.strip("{}")]) for name, variable in named.items()}
            given = {name: value for name, value in values.items() if value is not None}
            sent.append((_value(tag["parameter"], "eventName"), given))
    return sent


def export_row(name: str, parameters: Json, micros: int) -> Json:
    """Return an event as GA4's export to BigQuery holds it, in JSON."""
    items = [{k: str(v) for k, v in item.items()} for item in parameters.get("items", [])]
    kept = {key: value for key, value in parameters.items() if key not in ("items", "user_id")}
    return {
        "event_date": "20240301",
        "event_timestamp": str(micros),
        "event_name": name,
        "event_params": [{"key": key, "value": {**NO_VALUE, **_typed(value)}} for key, value in kept.items()],
        "user_properties": [],
        "user_id": parameters.get("user_id"),
        "user_pseudo_id": "123.456",
        "stream_id": "555",
        "platform": "WEB",
        "items": items,
    }


def _typed(value: object) -> Json:
    if isinstance(value, bool):
        return {"string_value": str(value).lower()}
    if isinstance(value, int):
        return {"int_value": str(value)}
    return {"double_value": value} if isinstance(value, float) else {"string_value": value}


def _event_of(trigger: Json) -> str:
    conditions = trigger["customEventFilter"]
    assert [(c["type"], _value(c["parameter"], "arg0")) for c in conditions] == [("EQUALS", "{{_event}}")]
    return _value(conditions[0]["parameter"], "arg1")


def _value(parameters: list[Json], key: str) -> str:
    return next(p["value"] for p in parameters if p["key"] == key)
