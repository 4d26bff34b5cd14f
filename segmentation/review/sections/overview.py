"""The headline: how much there is, how far it reaches, and what became of what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.exhibits import Card, Section
from segmentation.review.frames.headline import measure_events, measure_sessions
from segmentation.review.frames.health import balance_ledger
from segmentation.review.frames.segments import list_profiles
from segmentation.tables.events import EVENTS
from segmentation.tables.ingest_ledger import ACCEPTED, DUPLICATE, INGEST_LEDGER, QUARANTINED, READ, UNPARSABLE
from segmentation.tables.segment_profiles import SEGMENT_PROFILES
from segmentation.tables.sessions import SESSIONS

if TYPE_CHECKING:
    from segmentation.review.sections.reading import Reading


def build_overview(reading: Reading) -> Section:
    """Build the page's first section; what is missing is left out and named."""
    missing = reading.missing(EVENTS, INGEST_LEDGER, SESSIONS, SEGMENT_PROFILES)
    events = measure_events(reading.before_cut(EVENTS, "event_date"))
    cards = [*_event_cards(events), *_session_cards(reading, events["events"]), *_segment_cards(reading)]
    if not events["events"]:
        return Section("overview", "At a glance", "There are no accepted events yet.", missing=missing)
    lead = (
        f"{text.count(events['events'])} events of {text.plural(events['users'], 'person').replace('persons', 'people')}"
        f" from {text.day(events['first_day'])} to {text.day(events['last_day'])}."
    )
    return Section("overview", "At a glance", lead, cards=(*cards, *_ledger_cards(reading)), missing=missing)


def _event_cards(events: dict) -> list[Card]:
    return [
        Card("Events", text.count(events["events"]), "accepted, each once"),
        Card("Users", text.count(events["users"]), f"{text.number(events['events'] / events['users'])} events each")
        if events["users"]
        else Card("Users", "0"),
        Card("Data ends", f"{events['last_at']:%-d %b %Y}" if events["last_at"] else text.DASH, _last_moment(events)),
    ]


def _last_moment(events: dict) -> str:
    return f"last event at {events['last_at']:%H:%M} UTC" if events["last_at"] else ""


def _session_cards(reading: Reading, events: int) -> list[Card]:
    if reading.missing(SESSIONS):
        return []
    sessions = measure_sessions(reading.before_cut(SESSIONS, "session_date"))
    note = f"{text.share_of(sessions['converted'], sessions['sessions'])} with a conversion"
    return [Card("Sessions", text.count(sessions["sessions"]), note)] if events else []


def _segment_cards(reading: Reading) -> list[Card]:
    cut = reading.newest_cut(SEGMENT_PROFILES)
    if cut is None:
        return []
    profiles = list_profiles(reading.lake.read(SEGMENT_PROFILES), cut)
    largest = profiles[0]
    note = f"largest: {text.shorten(largest['segment_name'], 40)}, {text.share(largest['share'], 0)}"
    return [Card("Segments", text.count(len(profiles)), note)]


def _ledger_cards(reading: Reading) -> list[Card]:
    if reading.missing(INGEST_LEDGER):
        return []
    balances = balance_ledger(reading.lake.read(INGEST_LEDGER))
    total = {stage: sum(b[stage] for b in balances) for stage in (READ, ACCEPTED, DUPLICATE, QUARANTINED, UNPARSABLE)}
    rejected = total[QUARANTINED] + total[UNPARSABLE]
    return [
        Card("Records read", text.count(total[READ]), text.plural(len(balances), "source")),
        Card("Accepted", text.count(total[ACCEPTED]), text.share_of(total[ACCEPTED], total[READ])),
        Card("Duplicates", text.count(total[DUPLICATE]), text.share_of(total[DUPLICATE], total[READ])),
        Card("Quarantined", text.count(rejected), text.share_of(rejected, total[READ])),
    ]
