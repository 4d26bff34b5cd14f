"""The effect of another definition in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmentation.review import text

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDE = 40


def write_comparison(found: Mapping[str, Any]) -> str:
    """Write what `compare_segmentations` found as lines of text."""
    moved = text.share_of(found["movers"], found["users"])
    lines = [
        f"{found['subject']} as of {found['as_of']}: {found['candidate']} against {found['live']}",
        f"  {text.plural(found['users'], 'user')}, of whom {text.count(found['movers'])} ({moved}) would move",
        "",
        "Who moves",
        *(
            f"  {text.count(move['users']):>9}  {text.shorten(move['live'], _WIDE)} → "
            f"{text.shorten(move['candidate'], _WIDE)}{'  (stay)' if move['stays'] else ''}"
            for move in found["moves"]
        ),
        "",
        "What the segments are",
        *(line for group in found["groups"] for line in _group(group)),
        "",
        "How stable they are",
        *_stability(found["stability"]),
    ]
    return "\n".join(lines)


def _group(group: Mapping[str, Any]) -> list[str]:
    means = ", ".join(f"{text.feature(name)} {text.number(value)}" for name, value in group["means"].items())
    name = f"{group['definition']}: {text.shorten(group['segment'], _WIDE)}"
    return [f"  {name}: {text.plural(group['users'], 'user')} ({text.share(group['share'])})", f"      {means}"]


def _stability(stability: Mapping[str, Any] | None) -> list[str]:
    if stability is None:
        return ["  unknown: user_features has no cut that is old enough"]
    values = (f"{name} {text.number(stability[name])}" for name in ("live", "candidate"))
    return [f"  {stability['measure']} since {stability['since']}: {', '.join(values)}"]
