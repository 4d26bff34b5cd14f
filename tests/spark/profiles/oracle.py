"""The rules of docs/profiles.md in plain Python: every value by itself, from all that was told of it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple


class Told(NamedTuple):
    """What an event tells of a trait; value None: that it ends."""

    user: str
    trait: str
    at: datetime
    received: datetime
    event: str
    source: str
    sequence: int | None
    value: str | None


def precedence(told: Told, best_first: tuple[str, ...]) -> tuple[object, ...]:
    """A sequence number that is missing counts as the greatest, a source that has no rank as the least."""
    rank = len(best_first) - best_first.index(told.source) if told.source in best_first else 0
    return (told.sequence is None, told.sequence or 0, rank, told.event)


def value_at(all_told: list[Told], cut: datetime, best_first: tuple[str, ...]) -> str | None:
    """Find the value at a cut of one person's trait, as known then."""
    known = [told for told in all_told if told.at < cut and told.received < cut]
    if not known:
        return None
    return max(known, key=lambda told: (told.at, *precedence(told, best_first))).value


def values_at(all_told: list[Told], cut: datetime, best_first: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """Find the values at a cut of all traits of all persons that have one."""
    owned: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for told in all_told:
        owned[told.user, told.trait].append(told)
    values = {owner: value_at(mine, cut, best_first) for owner, mine in owned.items()}
    return {owner: value for owner, value in values.items() if value is not None}
