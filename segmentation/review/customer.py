"""One person in words: what they did, where they are, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmentation.review import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.review.frames.records import Record

SHOWN_REASONS = 5
_WIDE = 34


def write_customer(customer: Mapping[str, Any]) -> str:
    """Write what `explain_customer` found as lines of text; whatever stands in the data is one printable line."""
    about = customer["about"]
    until = f"{text.minute(about['last_at'])}, on {', '.join(map(text.clean, about['platforms']))}"
    lines = [
        f"Customer {text.clean(customer['user_id'])} as of {customer['as_of']}",
        f"  {text.plural(about['events'], 'event')} from {text.minute(about['first_at'])} to {until}",
        *_traits(customer),
        *_segment(customer),
        *_predictions(customer),
        *_rules(customer),
        *_history(customer),
        *_sessions(customer),
        *_events(customer),
        *_features(customer),
    ]
    return "\n".join(lines)


def _traits(customer: Mapping[str, Any]) -> list[str]:
    lines = [
        f"  {text.clean(t['trait'])}: {text.shorten(t['value'], 40)}  since {text.minute(t['valid_from_at'])}"
        + ("" if t["valid_to_at"] is None else f", until {text.minute(t['valid_to_at'])}")
        + f"  ({text.clean(t['source'])})"
        for t in customer["traits"]
    ]
    return ["", "Traits", *lines] if lines else []


def _next_segment(margin: float | None) -> str:
    """Say how far the next segment is: nearer than their own of whom is held back, and by methods without centroids."""
    if margin is None:
        return ""
    return f", the next segment {text.number(abs(margin))} {'further' if margin >= 0 else 'nearer'}"


def _segment(customer: Mapping[str, Any]) -> list[str]:
    if not customer["scores"]:
        return ["", "Segment: not scored yet"]
    now = customer["scores"][0]
    distance = f"distance {text.number(now['distance'])}{_next_segment(now['margin'])}"
    held = f"; held back here: {text.clean(now['assignment_rule'])}" if now["held_back"] else ""
    head = f"Segment: {text.clean(now['segment_name'])} ({now['as_of']}; {distance}{held})"
    lines = [
        f"  {text.feature(r['feature']):<{_WIDE}} {text.number(r['value']):>9}   "
        f"segment {text.number(r['segment_mean'])}, everyone {text.number(r['overall_mean'])}"
        for r in customer["segment_reasons"]
    ]
    return ["", head, *lines]


def _predictions(customer: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for one in customer["predictions"]:
        if one["raw"] is None:
            lines.append(f"  {one['target']}: not asked (away for too long)")
            continue
        lines.append(
            f"  {one['target']}: {text.share(one['calibrated'])} ({text.share(one['raw'])} before calibration)"
        )
        lines += [
            f"    {r['contribution']:+.2f} log-odds  {text.feature(r['feature'])}: {text.number(r['value'])}, "
            f"usually {text.number(r['reference'])}"
            for r in one["reasons"][:SHOWN_REASONS]
        ]
    return ["", "Predictions (each reason: against the usual value, everything else as it is)", *lines] if lines else []


def _rules(customer: Mapping[str, Any]) -> list[str]:
    lines = [f"  {'in ' if rule['member'] else 'not'} {rule['rule']}{_evidence(rule)}" for rule in customer["rules"]]
    return ["", "Rule segments", *lines] if lines else []


def _evidence(rule: Record) -> str:
    if not rule["member"]:
        return ""
    values = ", ".join(f"{text.clean(name)} = {text.number(value)}" for name, value in sorted(rule["evidence"].items()))
    limits = ", ".join(
        f"{text.clean(name)} ({text.number(value)})" if "percentile" in name else text.clean(name)
        for name, value in sorted(rule["thresholds"].items())
    )
    return f": {values}; asked for: {limits}"


def _history(customer: Mapping[str, Any]) -> list[str]:
    lines = [
        f"  {h['changed_at']}  {h['direction']:<8} {text.clean(h['segment'])}  ({h['segmentation']}; {h['cause']})"
        for h in customer["history"]
    ]
    return ["", "Segment history", *lines] if lines else []


def _sessions(customer: Mapping[str, Any]) -> list[str]:
    lines = [
        f"  {s['started_at']:%Y-%m-%d %H:%M}  {text.plural(s['events'], 'event'):<11} "
        f"{text.seconds(None if s['duration_ms'] is None else s['duration_ms'] / 1000):<14} "
        f"{text.shorten(s['entry_state'])} → {text.shorten(s['exit_state'])}{'  converted' if s['converted'] else ''}"
        for s in customer["sessions"]
    ]
    return ["", "Newest sessions (UTC)", *lines]


def _events(customer: Mapping[str, Any]) -> list[str]:
    lines = [
        f"  {e['event_at']:%Y-%m-%d %H:%M:%S}  {text.shorten(e['event_name'], 40)}"
        + ("" if e["value"] is None else f"  {e['value']} {e['currency'] or ''}".rstrip())
        for e in customer["events"]
    ]
    return ["", "Newest events (UTC)", *lines]


def _features(customer: Mapping[str, Any]) -> list[str]:
    known = {name: value for name, value in customer["features"].items() if value}
    lines = [f"  {text.feature(name):<50} {text.number(float(value)):>10}" for name, value in known.items()]
    return (
        ["", f"Features ({customer['features_as_of']}; those that are neither 0 nor undefined)", *lines]
        if lines
        else []
    )
