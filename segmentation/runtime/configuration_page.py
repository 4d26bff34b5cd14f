"""Writes docs/configuration.md: `python -m segmentation.runtime.configuration_page > docs/configuration.md`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from segmentation.config import Config
from segmentation.parameters import Parameters

HEAD = """# Configuration

Every key, made from the parameter models (`python -m segmentation.runtime.configuration_page > docs/configuration.md`).
A value is taken from the first of these that names it:

1. `--set section.key=value` on a job's command line, the value as YAML: `--set sessions.timeout_s=900`,
   `--set 'features.windows_days=[7, 28]'`, `--set evaluation.lift_min=null`, `--set spark.spark.driver.memory=8g`
2. `conf/local.yaml`, `dev.yaml` or `prod.yaml`, chosen by `--env`
3. `conf/base.yaml`
4. the default below

A list is given whole. Mappings in 1 to 3 are laid over each other key by key; together they replace a default mapping
whole. An unknown key ends the job with exit code 2 and names the nearest known one. Sources and rule segments have
pages of their own: [sources](sources.md), [segments](segments.md).

What a changed value asks for:

- **rebuild**: stored tables never mix parameters. Jobs refuse to go on under another value (exit code 2) until the jobs
  named have built the tables anew with `--rebuild`.
- **training**: the next run of `build_features` and the training job makes a new model version.
- nothing where the cell is empty: the next run takes the new value.
"""
LONGEST = 60
"""Defaults of more characters stand in a block of their own below the table."""
SHAPED = {
    "workspace": ("ingest_events", "build_features", "build_journeys"),
    "ingest": ("ingest_events",),
    "privacy": ("ingest_events",),
    "sessions": ("ingest_events", "build_features"),
    "features": ("build_features",),
    "bots": ("build_features",),
    "consent": ("build_features",),
    "sequences": ("build_journeys",),
}
"""Section -> the jobs that write its fingerprint into the tables they make."""
RUNNING = {
    "ingest": ("max_rejected_share", "partition_mb", "batch_mb", "small_lake_mb"),
    "privacy": ("key_env", "key_file", "raw_days"),
    "sequences": ("cluster_sample", "max_clusters", "indel"),
    "propensity": ("parallelism",),
}
"""Section -> its keys that are left out of the fingerprint: they say how a job runs, or shape a table made whole."""
BY_INGEST = {("workspace", "rates")}
"""Keys that shape what `ingest_events` alone writes, where others of their section shape more."""
RETRAINED = ("clusters", "propensity")
"""Sections that are part of a training's fingerprint."""
KINDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "null": "null"}
BOUNDS = {"minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}"}


def configuration_page() -> str:
    """Return the page in Markdown: a section per section of the configuration, a row per key."""
    sections = {name: type(value) for name, value in Config() if isinstance(value, Parameters)}
    alone = [name for name in Config.model_fields if name not in sections]
    text = _section("Top level", "", Config, {name: name for name in alone})
    for name, model in sections.items():
        text += _section(name, name, model, {key: f"{name}.{key}" for key in model.model_fields})
    return HEAD + text


def needs_rebuild(section: str, key: str) -> tuple[str, ...]:
    """Name the jobs that must run with --rebuild after a key has changed; none where it shapes no stored table."""
    if (section, key) in BY_INGEST:
        return ("ingest_events",)
    return () if key in RUNNING.get(section, ()) else SHAPED.get(section, ())


def _section(title: str, section: str, model: type[Parameters], keys: Mapping[str, str]) -> str:
    schema = model.model_json_schema()
    properties = _resolved(schema["properties"], schema.get("$defs", {}))
    rows = "".join(_row(section, key, name, properties[key]) for key, name in keys.items())
    long = "".join(_block(name, properties[key]["default"]) for key, name in keys.items() if _is_long(properties[key]))
    file = model.__module__.replace(".", "/") + ".py"
    where = f"{(model.__doc__ or '').strip()} Declared in `{file}` (`{model.__name__}`)."
    head = "| key | default | allowed | meaning | after a change |\n|---|---|---|---|---|\n"
    return f"\n## {title}\n\n{where}\n\n{head}{rows}{long}"


def _resolved(schema: Any, known: Mapping[str, Any]) -> Any:
    """Put the schemas of models in the place of references to them."""
    if isinstance(schema, list):
        return [_resolved(part, known) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        return _resolved(known[schema["$ref"].rsplit("/", 1)[-1]], known)
    return {key: _resolved(part, known) for key, part in schema.items()}


def _row(section: str, key: str, name: str, schema: Mapping[str, Any]) -> str:
    default = "below" if _is_long(schema) else f"`{json.dumps(schema.get('default', {}), ensure_ascii=False)}`"
    meaning = " ".join(schema["description"].split())
    cells = (f"`{name}`", default, _allowed(schema), meaning, _change(section, key))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _change(section: str, key: str) -> str:
    jobs = needs_rebuild(section, key)
    if jobs:
        return "rebuild: " + ", ".join(f"`{job}`" for job in jobs)
    return "training" if section in RETRAINED and key not in RUNNING.get(section, ()) else ""


def _allowed(schema: Mapping[str, Any]) -> str:
    """Say in words what a JSON schema allows."""
    if "anyOf" in schema:
        return "; or ".join(_allowed(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{choice}`" for choice in schema["enum"])
    if "prefixItems" in schema:
        return "[" + ", ".join(_allowed(item) for item in schema["prefixItems"]) + "]"
    if schema["type"] == "array":
        return f"[{_allowed(schema['items'])}, ...]" + (", not empty" if schema.get("minItems") else "")
    if schema["type"] == "object":
        return _keys(schema)
    bounds = [words.format(f"{schema[key]:g}") for key, words in BOUNDS.items() if key in schema]
    return ", ".join([KINDS[schema["type"]], *bounds])


def _keys(schema: Mapping[str, Any]) -> str:
    """Say which keys a mapping has: those of a model, or any."""
    named = [f"{key}: {_allowed(part)}" for key, part in schema.get("properties", {}).items()]
    return "{" + ", ".join(named or [f"text: {_allowed(schema['additionalProperties'])}", "..."]) + "}"


def _is_long(schema: Mapping[str, Any]) -> bool:
    return len(json.dumps(schema.get("default"), ensure_ascii=False)) > LONGEST


def _block(name: str, default: Any) -> str:
    if isinstance(default, Mapping):
        lines = [f"  {key}: {json.dumps(value)}" for key, value in default.items()]
    else:
        lines = [f"  - {item}" for item in default]
    body = "\n".join(lines)
    return f"\nDefault of `{name}`:\n\n```yaml\n{name.rsplit('.', 1)[-1]}:\n{body}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(configuration_page())
