"""JavaScript of a site: pushes into the data layer, calls of Segment and of Snowplow's tracker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentation.instrumentation.calls import Call

HEAD = """\
// Generated from conf/tracking_plan.yaml by python -m segmentation.instrumentation; do not edit.
// {usage}
// An event that breaks the plan is sent all the same, and the reason is passed to tracking.onProblem (console.error).
"""

CHECKS = """\
  const types = {
    string: (v) => typeof v === "string" && v.trim() !== "",
    integer: (v) => Number.isSafeInteger(v),
    number: (v) => typeof v === "number" && Number.isFinite(v),
    boolean: (v) => typeof v === "boolean",
    timestamp: (v) => !Number.isNaN((v instanceof Date ? v : new Date(typeof v === "string" ? v : NaN)).getTime()),
    items: (v) => Array.isArray(v),
  };
  const isGiven = (v) => v !== undefined && v !== null;
  const written = (v) => (v instanceof Date && !Number.isNaN(v.getTime()) ? v.toISOString() : v);

  // Returns what is sent: name there -> value, undefined where nothing was given.
  function checked(event, parameters) {
    const planned = plan[event], given = parameters ?? {}, sent = {};
    for (const name of Object.keys(given)) {
      if (!Object.keys(planned).includes(name)) tracking.onProblem(`${event}: '${name}' is not in the tracking plan`);
    }
    for (const [name, [sentAs, type, required]] of Object.entries(planned)) {
      const value = given[name];
      if (required && !isGiven(value)) tracking.onProblem(`${event}: '${name}' is missing`);
      if (isGiven(value) && !types[type](value)) tracking.onProblem(`${event}: '${name}' is not of type ${type}`);
      sent[sentAs] = isGiven(value) ? written(value) : undefined;
    }
    return sent;
  }
  const only = (sent) => Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined));
"""


def data_layer_script(calls: Sequence[Call]) -> str:
    """Return the script that pushes events into `window.dataLayer`, which Google Tag Manager reads.

    Each push names every parameter of its event. One that is not given is undefined, or Tag Manager would send the
    value of an earlier event.
    """
    return _script(
        calls,
        usage="Load it before the container of Google Tag Manager.",
        send="(root.dataLayer = root.dataLayer || []).push({ event: name, ...sent })",
        user="(root.dataLayer = root.dataLayer || []).push({ user_id: id ?? undefined })",
        items="items",
    )


def segment_script(calls: Sequence[Call]) -> str:
    """Return the script that calls Segment's (or RudderStack's) `analytics.track`; items are sent as `products`."""
    return _script(
        calls,
        usage="Load it after the snippet of Segment or RudderStack.",
        send="root.analytics.track(name, only(sent))",
        user="isGiven(id) ? root.analytics.identify(id) : root.analytics.reset()",
        items="products",
    )


def snowplow_script(calls: Sequence[Call], vendor: str) -> str:
    """Return the script that calls Snowplow's tracker; each event is self-describing by a schema of `vendor`."""
    schema = f"iglu:{vendor}/${{name}}/jsonschema/1-0-0"
    return _script(
        calls,
        usage="Load it after the snippet of Snowplow's tracker.",
        send=f'root.snowplow("trackSelfDescribingEvent", {{ event: {{ schema: `{schema}`, data: only(sent) }} }})',
        user='root.snowplow("setUserId", id ?? null)',
        items="items",
    )


def _script(calls: Sequence[Call], *, usage: str, send: str, user: str, items: str) -> str:
    lines = [HEAD.format(usage=usage) + "(function (root) {", '  "use strict";', "  const plan = {"]
    for call in calls:
        if not call.arguments and not call.items:
            lines.append(f"    {call.event}: {{}},")
            continue
        lines.append(f"    {call.event}: {{")
        lines += [
            f"      {argument.name}: {_written([argument.sent_as, argument.kind, argument.required])},"
            for argument in call.arguments
        ]
        lines += [f"      items: {_written([items, 'items', False])},"] if call.items else []
        lines.append("    },")
    lines += ["  };", CHECKS]
    lines.append(f"  const send = (name, sent) => {send};")
    lines += ["  const tracking = {", '    onProblem: (problem) => console.error("tracking: " + problem),', ""]
    lines += ["    // Call it on every page once the user is known; without an id after a logout."]
    lines += [f"    setUser: (id) => {{ {user}; }},"]
    for call in calls:
        lines += ["", f"    // {call.description}"] if call.description else [""]
        lines.append(
            f"    {call.function}: (parameters) => {{ send({_written(call.sent_as)}, "
            f"checked({_written(call.event)}, parameters)); }},"
        )
    lines += ["  };", "  root.tracking = tracking;", "})(window);"]
    return "\n".join(lines) + "\n"


def _written(value: Any) -> str:
    # "<" is escaped, so that the script may stand within a page.
    return json.dumps(value).replace("<", "\\u003c")
