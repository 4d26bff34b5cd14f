"""The rules of docs/identities.md in plain Python: the person of every visit, each found by itself, without periods."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
STEP = timedelta(hours=12)
LOOKBACK_DAYS, MOST_PERSONS = 2, 2
PLACES = {"device": "identifier", "login": "properties.login", "email": "properties.email"}


class Visit(NamedTuple):
    """An event: half days since the start, and what it carries."""

    at: float
    device: str | None
    login: str | None
    email: str | None

    def named(self, case: int) -> list[str]:
        return [f"{n}:{case}-{v}" for n, v in (("login", self.login), ("email", self.email)) if v]

    def used(self, case: int) -> str | None:
        return self.device and f"device:{case}-{self.device}"

    @property
    def time(self) -> datetime:
        return START + self.at * STEP


def roots(pairs: list[tuple[str, str]], nodes: set[str]) -> dict[str, str]:
    """Union-find."""
    parent = {node: node for node in nodes}

    def find(node: str) -> str:
        while parent[node] != node:
            node = parent[node]
        return node

    for one, other in pairs:
        low, high = sorted((find(one), find(other)))
        parent[high] = low
    return {node: find(node) for node in nodes}


def persons_of(visits: list[Visit], case: int, apart: Collection[tuple[str, str]]) -> list[str]:
    """Find the person of every visit; of one that tells nothing the blank identifier that it was sent with."""
    names = {name for visit in visits for name in visit.named(case)}
    pairs = [tuple(v.named(case)) for v in visits if len(v.named(case)) == 2 and tuple(v.named(case)) not in apart]
    person = roots(pairs, names)
    logins: dict[str, dict[float, set[str]]] = defaultdict(lambda: defaultdict(set))
    for visit in visits:
        if visit.device and visit.named(case):
            logins[visit.used(case)][visit.at].update(person[name] for name in visit.named(case))

    def of(visit: Visit) -> str:
        if visit.named(case):
            return min(person[name] for name in visit.named(case))
        device = visit.used(case)
        if device is None:
            return ""
        seen = logins[device]
        if not seen or len(set().union(*seen.values())) > MOST_PERSONS:
            return device
        before = [at for at in seen if at <= visit.at]
        if before:
            return min(seen[max(before)])
        near = (min(seen) - visit.at) * STEP <= timedelta(days=LOOKBACK_DAYS)
        return min(seen[min(seen)]) if near else device

    return [of(visit) for visit in visits]
