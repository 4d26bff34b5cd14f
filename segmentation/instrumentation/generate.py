"""Generate all files of the instrumentation from the tracking plan."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError
from segmentation.instrumentation.calls import list_calls
from segmentation.instrumentation.iglu import build_event_schema
from segmentation.instrumentation.javascript import data_layer_script, segment_script, snowplow_script
from segmentation.instrumentation.mobile import kotlin_class, swift_struct
from segmentation.instrumentation.tag_manager import build_container

if TYPE_CHECKING:
    from segmentation.sources.tracking_plan import TrackingPlan

MEASUREMENT_ID = "G-XXXXXXXXXX"
VENDOR = "com.example"
REVERSED_DOMAIN = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")


def generate_instrumentation(
    plan: TrackingPlan, *, measurement_id: str = MEASUREMENT_ID, vendor: str = VENDOR
) -> dict[str, str]:
    """Return the path of each file, relative to a folder, and its text. The same plan gives the same files.

    Args:
        plan: the tracking plan.
        measurement_id: of the GA4 property's web stream.
        vendor: a reversed domain; Kotlin's package, and the vendor of Snowplow's schemas.

    Raises:
        ConfigurationError: the plan has no event or a name that cannot be sent, or `vendor` is not a reversed domain.
    """
    if not plan.events:
        raise ConfigurationError("the tracking plan has no events, so there is nothing to generate")
    if not REVERSED_DOMAIN.fullmatch(vendor):
        raise ConfigurationError(f"'{vendor}' is not a reversed domain such as com.example")
    ga4, segment, snowplow = (list_calls(plan, source) for source in ("ga4", "segment", "snowplow_tsv"))
    schemas = {
        f"snowplow/schemas/{vendor}/{call.sent_as}/jsonschema/1-0-0": _as_text(build_event_schema(call, vendor))
        for call in snowplow
    }
    return {
        "google/data_layer.js": data_layer_script(ga4),
        "google/tag_manager.json": _as_text(build_container(ga4, measurement_id)),
        "firebase/Tracking.kt": kotlin_class(ga4, vendor),
        "firebase/Tracking.swift": swift_struct(ga4),
        "segment/segment.js": segment_script(segment),
        "snowplow/snowplow.js": snowplow_script(snowplow, vendor),
        **schemas,
    }


def _as_text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
