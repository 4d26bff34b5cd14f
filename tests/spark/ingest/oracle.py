"""The law in plain Python: what the tables must be, whatever the order and batching of the records."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import NamedTuple

SECOND = 1_000_000
DAY = 86_400 * SECOND
EXCLUDED_PLATFORM = "test"
"""Records of this platform are excluded, unless something else is wrong with them."""
PURCHASE, REFUND = "purchase", "refund"
FIRST, LAST, LINES = "first", "last", "lines"
"""Which purchase of an order counts; lines add up."""
CAP_DAYS = 3
"""Longer sessions are capped."""


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
    order: str | None = None
    refund: str | None = None
    position: str | None = None
    """Name of the file and number in it; None: ties are broken by event_id."""

    @property
    def payload(self) -> tuple:
        return (self.event_id, self.user, self.name, self.event_at, self.value, self.platform, self.hint, *self.ids)

    @property
    def ids(self) -> tuple[str | None, str | None]:
        """Order id of a purchase or refund, and refund id of a refund."""
        return (
            self.order if self.name in (PURCHASE, REFUND) else None,
            self.refund if self.name == REFUND else None,
        )


@dataclass(frozen=True)
class Limits:
    """The parameters that shape the tables."""

    horizon: int = 30 * DAY
    lateness: int = 7 * DAY
    cap: int = 50_000
    timeout: int = 1800 * SECOND
    rule: str = FIRST
    ties: str = "event_id"


def day(micros: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=micros)).date().isoformat()


def judge(records: list[Record], limits: Limits) -> dict[str, list]:
    """Give every record its verdict; payloads of one identity that compare equal are told apart by nothing else."""
    by_identity: dict[str, list[Record]] = defaultdict(list)
    verdicts: dict[str, list] = defaultdict(list)
    for record in records:
        if is_excluded(record):
            verdicts["excluded"].append(record)
        elif is_out_of_range(record):
            verdicts["out_of_range"].append(record)
        else:
            by_identity[record.event_id].append(record)
    punctual: dict[tuple[str, str], list[Record]] = defaultdict(list)
    least: dict[int, str | None] = {}
    for copies in by_identity.values():
        previous, head = None, None
        for record in sorted(copies, key=lambda copy: arrival(copy, limits.rule)):
            if previous is None or record.received_at - previous.received_at > limits.horizon:
                head = record
                least[id(head)] = head.position
                if record.received_at - record.event_at > limits.lateness:
                    verdicts["too_late"].append(record)
                else:
                    punctual[record.user, day(record.event_at)].append(record)
            else:
                verdicts["duplicate" if record.payload == head.payload else "conflict"].append(record)
                if record.position is not None and record.payload == head.payload:
                    least[id(head)] = min(least[id(head)], record.position)
            previous = record
    for contenders in punctual.values():
        ranked = sorted(contenders, key=lambda r: (r.received_at, r.event_id))
        verdicts["accepted"] += ranked[: limits.cap]
        verdicts["over_cap"] += ranked[limits.cap :]
    verdicts["accepted"] = [replace(record, position=least[id(record)]) for record in verdicts["accepted"]]
    return verdicts


def place(record: Record) -> tuple:
    """Return what orders a user's events."""
    return (record.event_at, record.position or "", record.event_id, record.received_at)


class Worth(NamedTuple):
    """What an event is in its order."""

    counts: bool
    repeated: bool
    revenue: int | None


def judge_orders(accepted: list[Record], rule: str) -> dict[int, Worth]:
    """Judge every accepted event, by its identity as an object."""
    worth, orders = {}, defaultdict(list)
    for record in accepted:
        if record.ids[0] is not None:
            orders[record.order].append(record)
        else:
            amount = {PURCHASE: record.value, REFUND: negative(record.value)}.get(record.name)
            worth[id(record)] = Worth(record.name == PURCHASE, repeated=False, revenue=amount)
    for events in orders.values():
        events.sort(key=place)
        worth |= judge_sales([e for e in events if e.name == PURCHASE], rule)
        counted = [worth[id(e)].revenue for e in events if e.name == PURCHASE and not worth[id(e)].repeated]
        paid = None if not counted or None in counted else sum(counted)
        worth |= judge_refunds([e for e in events if e.name == REFUND], paid)
    return worth


def judge_sales(sales: list[Record], rule: str) -> dict[int, Worth]:
    chosen = sales[-1 if rule == LAST else 0] if sales else None
    return {
        id(sale): Worth(sale is chosen, repeated=False, revenue=sale.value)
        if sale is chosen or rule == LINES
        else Worth(counts=False, repeated=True, revenue=None)
        for sale in sales
    }


def judge_refunds(refunds: list[Record], paid: int | None) -> dict[int, Worth]:
    worth, known, left = {}, set(), paid
    for refund in refunds:
        if refund.refund in known:
            worth[id(refund)] = Worth(counts=False, repeated=True, revenue=None)
            continue
        known |= {refund.refund} - {None}
        amount = refund.value if refund.value is not None else left
        worth[id(refund)] = Worth(counts=False, repeated=False, revenue=negative(amount))
        if left is not None:
            left = 0 if refund.value is None else max(left - refund.value, 0)
    return worth


def negative(amount: int | None) -> int | None:
    return None if amount is None else -amount


def is_out_of_range(record: Record) -> bool:
    return (record.value or 0) < 0


def is_excluded(record: Record) -> bool:
    return record.platform == EXCLUDED_PLATFORM and not is_out_of_range(record)


def arrival(record: Record, rule: str) -> tuple:
    return (record.received_at, record.event_at, payload_hash(record, rule))


def payload_hash(record: Record, rule: str) -> str:
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
    purchase = {FIRST: "purchase", LAST: "latest_purchase", LINES: "purchase_line"}[rule]
    kinds = {PURCHASE: purchase, REFUND: "refund"}
    ids = zip(("transaction_kind", "order_id", "refund_id"), (kinds.get(record.name), *record.ids), strict=True)
    fields += [(name, given) for name, given in ids if given is not None]
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
        ordered = sorted(events, key=place)
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


def tables(records: list[Record], limits: Limits) -> dict[str, Counter]:
    """Return the rows of every table, each with how often it occurs."""
    verdicts = judge(records, limits)
    cut = sessions(verdicts["accepted"], limits)
    worth = judge_orders(verdicts["accepted"], limits.rule)
    reasons = ("out_of_range", "conflict", "too_late", "over_cap")
    quarantined = [(r.event_id, r.received_at, why) for why in reasons for r in verdicts[why]]
    return {
        "events": Counter(row for events in cut for row in event_rows(events, worth)),
        "quarantine": Counter(quarantined),
        "duplicates": Counter((r.event_id, r.received_at) for r in verdicts["duplicate"]),
        "sessions": Counter(session_row(events, worth) for events in cut),
        "transitions": transitions(cut),
        "user_days": user_days(cut, worth),
        "item_counts": item_counts(cut, worth),
        "ledger": Counter(
            {
                "accepted": len(verdicts["accepted"]),
                "duplicate": len(verdicts["duplicate"]),
                "excluded: internal": len(verdicts["excluded"]),
                **Counter(q[2] for q in quarantined),
            }
        ),
    }


def event_rows(events: list[Record], worth: dict[int, Worth]) -> list[tuple]:
    """Return the rows of a session's events: what was sent, and where it stands in the session."""
    first, last = events[0], events[-1]
    session = (session_id(events), first.event_at, day(first.event_at), first.platform, first.name)
    return [
        (
            *(event.event_id, event.user, event.received_at, event.event_at, day(event.event_at)),
            *session,
            earlier.name if earlier else None,
            gap_s(earlier, event) if earlier else None,
            event is last,
            *worth[id(event)],
            event.position,
        )
        for earlier, event in zip([None, *events], events, strict=False)
    ]


def gap_s(earlier: Record, event: Record) -> int:
    return (event.event_at - earlier.event_at) // SECOND


def session_row(events: list[Record], worth: dict[int, Worth]) -> tuple:
    first, last = events[0], events[-1]
    duration = duration_ms(events)
    return (
        *(session_id(events), first.user, first.event_at, last.event_at, day(first.event_at), len(events)),
        *(first.name, last.name, first.platform),
        *(duration, duration is None, is_capped(events), any(worth[id(e)].counts for e in events)),
        sum(worth[id(e)].revenue or 0 for e in events),
    )


def duration_ms(events: list[Record]) -> int | None:
    """Return how long a session lasted; None: it has one event, and none supplies a duration."""
    return (events[-1].event_at - events[0].event_at) // 1000 if len(events) > 1 else None


def is_capped(events: list[Record]) -> bool:
    return events[-1].event_at - events[0].event_at > CAP_DAYS * DAY


def transitions(cut: list[list[Record]]) -> Counter:
    steps, users_of = Counter(), defaultdict(set)
    for events in cut:
        for step in steps_of(events):
            steps[step] += 1
            users_of[step].add(events[0].user)
    return Counter((*step, n, len(users_of[step])) for step, n in steps.items())


def steps_of(events: list[Record]) -> list[tuple]:
    """Return day, platform, state before and state after of each transition of a session."""
    names = ["START", *(e.name for e in events), "EXIT"]
    return [(day(events[0].event_at), events[0].platform, *pair) for pair in pairwise(names)]


def user_days(cut: list[list[Record]], worth: dict[int, Worth]) -> Counter:
    days: dict[tuple, Counter] = defaultdict(Counter)
    for events in cut:
        of_start, duration = days[events[0].user, day(events[0].event_at)], duration_ms(events)
        of_start["sessions"] += 1
        of_start["without_duration"] += duration is None
        of_start["duration_ms"] += 0 if duration is None or is_capped(events) else duration
        for earlier, event in zip([None, *events], events, strict=False):
            of_day = days[event.user, day(event.event_at)]
            (counts, repeated, revenue), gap = worth[id(event)], gap_s(earlier, event) if earlier else 0
            of_day["events"] += 1
            of_day["purchases"] += counts
            of_day["without_value"] += counts and revenue is None
            of_day["refunds"] += event.name == REFUND and not repeated
            of_day["value"] += revenue or 0
            of_day["purchase_value"] += 0 if event.name == REFUND else revenue or 0
            of_day["gap"] += gap
            of_day["gap2"] += gap * gap
    names = (
        "events",
        "sessions",
        "purchases",
        "without_value",
        "refunds",
        "value",
        "purchase_value",
        "duration_ms",
        "without_duration",
    )
    return Counter((*key, *(of[name] for name in (*names, "gap", "gap2"))) for key, of in days.items())


def item_counts(cut: list[list[Record]], worth: dict[int, Worth]) -> Counter:
    """Count event names, purchases that count, platforms and hours of a day, and transitions of sessions begun then."""
    counts: Counter[tuple] = Counter()
    for events in cut:
        for event in events:
            hour = f"{event.event_at // (3600 * SECOND) % 24:02d}"
            items = [("event_name", event.name), ("platform", event.platform), ("hour", hour)]
            for item in (*items, *[("purchase_name", event.name)] * worth[id(event)].counts):
                counts[(event.user, day(event.event_at), *item)] += 1
        for at, *step in steps_of(events):
            counts[events[0].user, at, "transition", "\u001f".join(step)] += 1
    return Counter((*key, n) for key, n in counts.items())
