"""Every reason for which a record is quarantined. Rules of a source add their own names to these."""

from enum import Enum


class Reason(str, Enum):
    """A reason, with a line of prose for reports; the order is that of the verdicts."""

    def __new__(cls, code: str, prose: str) -> "Reason":  # noqa: PYI034  an Enum's members are made by name
        """Make a member whose value is its code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.prose = prose  # type: ignore[attr-defined]
        return member

    MALFORMED = "malformed", "the line is not a record of the declared format"
    NULL_USER = "null_user", "no user identifier"
    LOSSY_ID = "lossy_id", "the identifier is a floating-point number too large to be exact, or holds half a character"
    NULL_EVENT_ID = "null_event_id", "no event id"
    NULL_EVENT_NAME = "null_event_name", "no event name"
    NULL_TIME = "null_time", "no event time"
    UNREADABLE_TIME = (
        "unreadable_time",
        "the event time does not fit its declared format or unit, or is not of 1970 to 2099",
    )
    UNREADABLE_RECEIVED_TIME = (
        "unreadable_received_time",
        "the received time is missing, does not fit its declared format, or is not of 1970 to 2099",
    )
    FUTURE_TIME = "future_time", "the event lies further after its receipt than the allowed clock skew"
    UNREADABLE_NUMBER = "unreadable_number", "a mapped number is not a number"
    OUT_OF_RANGE = "out_of_range", "a mapped value lies outside the declared range"
    MISSING_VALUE = "missing_value", "a field that the source declares as required is empty"
    CONTROL_CHARACTER = "control_character", "event name, state or platform holds the reserved character U+001F"
    RESERVED_STATE = "reserved_state", "the state is START or EXIT, which stand for the ends of a session"
    KNOWN_BOT = "known_bot", "the user agent is that of a crawler, a monitor or a script"
    OFF_PLAN = "off_plan", "the tracking plan asks for a parameter that is missing or of another type"
    EXPIRED = "expired", "the event is older than the months that are kept of its source"
    CONFLICT = "conflict", "same identity as an earlier received record, another payload or time"
    TOO_LATE = "too_late", "received later after the event than the source's lateness bound"
    OVER_CAP = "over_cap", "beyond the cap of events per user and day"


VERDICTS = (Reason.CONFLICT, Reason.TOO_LATE, Reason.OVER_CAP)
"""Reasons that depend on other records or on receipt, decided after parsing."""
