"""The headline: how much there is, how far it reaches, and what became of what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.review import text
from segmentation.review.exhibits import Card, Section
from segmentation.review.frames.health import balance_ledger
from segmentation.tables import EVENTS, INGEST_LEDGER, SEGMENT_PROFILES, SESSIONS
from segmentation.tables.ingest_ledger import ACCEPTED, DUPLICATE, EXCLUDED, QUARANTINED, READ, UNPARSABLE

if TYPE_CHECKING:
    from segmentation.review.sections.reading import Reading

_FATES = {
    ACCEPTED: "Accepted",
    DUPLICATE: "Duplicates",
    QUARANTINED: "Quarantined",
    UNPARSABLE: "Unparsable",
    EXCLUDED: "Excluded",
}


def overview_section(reading: Reading) -> Section:
    """Build the site's first section; what is missing is left out and named."""
    events = reading.events
    lead = (
        f"{text.plural(events['events'], 'event')} of {text.plural(events['users'], 'user')} "
        f"from {text.day(events['first_day'])} to {text.day(events['last_day'])}."
        if events["events"]
        else "There are no accepted events yet."
    )
    cards = (*_alert_cards(reading), *_event_cards(reading), *_ledger_cards(reading))
    missing = reading.missing(EVENTS, INGEST_LEDGER, SESSIONS, SEGMENT_PROFILES)
    return Section("overview", "At a glance", lead, cards=cards, missing=missing)


def _alert_cards(reading: Reading) -> list[Card]:
    if not reading.alerts:
        return []
    return [
        Card("Alerts", text.count(len(reading.alerts)), f"as of {text.day(reading.monitored_cut)}", status="breach")
    ]


def _event_cards(reading: Reading) -> list[Card]:
    events, sessions, profiles = reading.events, reading.sessions, reading.profiles
    if not events["events"]:
        return []
    cards = [
        Card("Events", text.count(events["events"]), "accepted, each once"),
        Card("Users", text.count(events["users"]), f"{text.number(events['events'] / events['users'])} events each"),
    ]
    if sessions["sessions"]:
        converted = text.share_of(sessions["converted"], sessions["sessions"])
        cards.append(Card("Sessions", text.count(sessions["sessions"]), f"{converted} with a conversion"))
    if profiles:
        largest = f"largest {text.share(profiles[0]['share'], 0)} of the users"
        cards.append(Card("Segments", text.count(len(profiles)), largest))
    last = events["last_at"]
    return [*cards, Card("Data end", f"{last.day} {last:%b %Y}", f"last event at {last:%H:%M} UTC")]


def _ledger_cards(reading: Reading) -> list[Card]:
    balances = balance_ledger(reading.ledger)
    if not balances:
        return []
    read = sum(balance[READ] for balance in balances)
    fates = {stage: sum(balance[stage] for balance in balances) for stage in _FATES}
    shown = {stage: title for stage, title in _FATES.items() if stage != EXCLUDED or fates[stage]}
    return [
        Card("Records read", text.count(read), f"from {text.plural(len(balances), 'source')}"),
        *(Card(title, text.count(fates[stage]), text.share_of(fates[stage], read)) for stage, title in shown.items()),
    ]
