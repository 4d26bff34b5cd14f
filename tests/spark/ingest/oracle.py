"""The law in plain Python: what the tables must be, whatever the order and batching of the records."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import pairwise

SECOND = 1_000_000
DAY = 86_400 * SECOND


@dataclass(frozen=True)
class Record:
    """A delivery of an event; times in epoch micros."""

    event_id: str
    user: str
    name: str
    event_at: int
    received_at: int
    value: int | None
    platform: str
    hint: str | None = None

    @property
    def payload(self) -> tuple:
        return (self.event_id, self.user, self.name, self.event_at, self.value, self.platform, self.hint)


@dataclass(frozen=True)
class Limits:
    """The parameters that shape the tables."""

    horizon: int = 30 * DAY
    lateness: int = 7 * DAY
    cap: int = 50_000
    timeout: int = 1800 * SECOND


def day(micros: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=micros)).date().isoformat()


def judge(records: list[Record], limits: Limits) -> dict[str, list]:
    """Give every record its verdict; payloads of one identity that compare equal are told apart by nothing else."""
    by_identity: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_identity[record.event_id].append(record)
    verdicts: dict[str, list] = defaultdict(list)
    punctual: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for copies in by_identity.values():
        previous, head = None, None
        for record in sorted(copies, key=arrival):
            if previous is None or record.received_at - previous.received_at > limits.horizon:
                head = record
                if record.received_at - record.event_at > limits.lateness:
                    verdicts["too_late"].append(record)
                else:
                    punctual[record.user, day(record.event_at)].append(record)
            else:
                verdicts["duplicate" if record.payload == head.payload else "conflict"].append(record)
            previous = record
    for contenders in punctual.values():
        ranked = sorted(contenders, key=lambda r: (r.received_at, r.event_id))
        verdicts["accepted"] += ranked[: limits.cap]
        verdicts["over_cap"] += ranked[limits.cap :]
    return verdicts


def arrival(record: Record) -> tuple:
    return (record.received_at, record.event_at, payload_hash(record))


def payload_hash(record: Record) -> str:
    """Hash the canonical JSON that the product documents: it breaks ties between copies received at one instant."""
    fields = [
        ("source", "case"),
        ("event_id", record.event_id),
        ("identifier", record.user),
        ("event_name", record.name),
    ]
    fields += [("state", record.name), ("event_at", record.event_at), ("platform", record.platform)]
    fields += [("session_hint", record.hint)] if record.hint else []
    fields += [] if record.value is None else [("value", f"{record.value}.0000")]
    fields += [("properties", "{}")]
    text = ",".join(f'"{k}":{v}' if isinstance(v, int) else f'"{k}":"{v}"' for k, v in fields)
    return hashlib.sha256(("{" + text + "}").encode()).hexdigest()


def sessions(accepted: list[Record], limits: Limits) -> list[list[Record]]:
    """Cut accepted events into sessions."""
    scopes: dict[tuple, list[Record]] = defaultdict(list)
    for record in accepted:
        scopes[record.user, record.hint].append(record)
    cut: list[list[Record]] = []
    for (_, hint), events in scopes.items():
        ordered = sorted(events, key=lambda r: (r.event_at, r.event_id, r.received_at))
        current = [ordered[0]]
        for record in ordered[1:]:
            if hint is None and record.event_at - current[-1].event_at > limits.timeout:
                cut.append(current)
                current = []
            current.append(record)
        cut.append(current)
    return cut


def session_id(events: list[Record]) -> str:
    first = events[0]
    parts = ("case", first.user, first.hint) if first.hint else (first.user, str(first.event_at))
    return hashlib.sha256("\u001f".join(parts).encode()).hexdigest()[:32]


def tables(records: list[Record], limits: Limits) -> dict[str, set]:
    """Return every table as a set of rows (all keys are unique)."""
    verdicts = judge(records, limits)
    cut = sessions(verdicts["accepted"], limits)
    steps, users_of, days = Counter(), defaultdict(set), defaultdict(Counter)
    for events in cut:
        names = ["START", *(e.name for e in events), "EXIT"]
        at, platform = day(events[0].event_at), events[0].platform
        days[events[0].user, at]["sessions"] += 1
        for step in pairwise(names):
            steps[(at, platform, *step)] += 1
            users_of[(at, platform, *step)].add(events[0].user)
        for earlier, event in zip([None, *events], events, strict=False):
            of_day = days[event.user, day(event.event_at)]
            of_day["events"] += 1
            of_day["purchases"] += event.name == "purchase"
            of_day["value"] += event.value or 0
            of_day["gap"] += (event.event_at - earlier.event_at) // SECOND if earlier else 0
    ids = {id(e): session_id(events) for events in cut for e in events}
    quarantined = [
        (r.event_id, r.received_at, why) for why in ("conflict", "too_late", "over_cap") for r in verdicts[why]
    ]
    return {
        "events": {(e.event_id, e.received_at, e.event_at, ids[id(e)]) for e in verdicts["accepted"]},
        "quarantine": Counter(quarantined),
        "duplicates": Counter((r.event_id, r.received_at) for r in verdicts["duplicate"]),
        "sessions": {
            (session_id(s), s[0].user, s[0].event_at, s[-1].event_at, len(s), s[0].name, s[-1].name, s[0].platform)
            for s in cut
        },
        "transitions": {(*cell, n, len(users_of[cell])) for cell, n in steps.items()},
        "user_days": {
            (user, at, c["events"], c["sessions"], c["purchases"], c["value"], c["gap"])
            for (user, at), c in days.items()
        },
        "ledger": Counter(
            {
                "accepted": len(verdicts["accepted"]),
                "duplicate": len(verdicts["duplicate"]),
                **Counter(q[2] for q in quarantined),
            }
        ),
    }
