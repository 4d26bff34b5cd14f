"""What every engine must produce from the same files: parameters, tables, and the columns that are compared."""

from __future__ import annotations

from benchmarks.scales import NEXT_DAY

SOURCE = "bench"
DEDUP_WINDOW_DAYS, ALLOWED_LATENESS_DAYS, TIMEOUT_S, SESSION_CAP_DAYS = 30, 7, 1800, 3
MAX_EVENTS_PER_USER_DAY = 50_000
CURRENCY, CONVERSION, HEARTBEAT, HEARTBEAT_S = "USD", "purchase", "page_ping", 10
STEP_SEPARATOR = "\u001f"
"""Between platform, state before and state after in the item of a transition."""

TEXT, INSTANT, DAY, COUNT, MONEY, FLAG = "text", "instant", "day", "count", "money", "flag"

PARSES = {f"parse_{name}": name for name in ("json", "csv", "parquet")}
"""Mode that reads and does nothing else -> format that it reads."""
PARSED_TEXTS = ("event_id", "user_id", "event_name", "platform", "device_type", "channel", "currency", "properties")
"""Texts of an event whose bytes are added up, so that no engine leaves a field unread."""
Tables = dict[str, dict[str, str]]
PARSED: Tables = {"parsed": {**dict.fromkeys(("accepted", "rejected", "day_us", "octets"), COUNT), "value": MONEY}}
"""What those modes produce, as TABLES has it: one row; `day_us` are microseconds since midnight."""

TABLES: Tables = {
    "events": {
        **dict.fromkeys(("event_id", "user_id", "identifier", "event_name", "state"), TEXT),
        **dict.fromkeys(("event_at", "received_at"), INSTANT),
        "event_date": DAY,
        **dict.fromkeys(("platform", "device_type", "channel"), TEXT),
        "value": MONEY,
        **dict.fromkeys(("currency", "properties", "session_id"), TEXT),
        "session_started_at": INSTANT,
    },
    "sessions": {
        **dict.fromkeys(("session_id", "user_id"), TEXT),
        **dict.fromkeys(("started_at", "ended_at"), INSTANT),
        "session_date": DAY,
        **dict.fromkeys(("events", "duration_ms"), COUNT),
        "duration_imputed": FLAG,
        "engaged_ms": COUNT,
        **dict.fromkeys(("entry_state", "exit_state", "platform"), TEXT),
        "converted": FLAG,
        "value": MONEY,
        "capped": FLAG,
    },
    "transitions": {
        "session_date": DAY,
        **dict.fromkeys(("platform", "from_state", "to_state"), TEXT),
        **dict.fromkeys(("transitions", "users"), COUNT),
    },
    "user_days": {
        "user_id": TEXT,
        "event_date": DAY,
        **dict.fromkeys(("events", "sessions", "purchases"), COUNT),
        **dict.fromkeys(("value", "purchase_value"), MONEY),
        **dict.fromkeys(("no_rate", "duration_ms", "engaged_ms", "sessions_without_duration"), COUNT),
        **dict.fromkeys(("gap_s_sum", "gap_s2_sum"), COUNT),
    },
    "user_day_counts": {"user_id": TEXT, "event_date": DAY, "dimension": TEXT, "item": TEXT, "n": COUNT},
    "rejections": {"reason": TEXT, "records": COUNT},
}
"""Table -> column -> kind. Left out of `events`: what is constant or empty here, our own identity_hash, and
unit_id and record_no, which depend on how the input was cut into files. `rejections` counts quarantine and
duplicates by reason."""

CUT = NEXT_DAY
"""What is asked of behaviour is asked as of the day after the history."""
FUNNEL, FUNNEL_WINDOW_S = ("page_view", "search", "purchase"), 7 * 86_400
PATH_STEPS, NAMED_PATHS, OTHER_PATHS, SEQUENCE_STEPS = 5, 50, '["(all other paths)"]', 20
BEHAVIOUR: Tables = {
    "flows": {**dict.fromkeys(("from_state", "to_state"), TEXT), **dict.fromkeys(("transitions", "departures"), COUNT)},
    "paths": {"path": TEXT, "ended": FLAG, **dict.fromkeys(("sessions", "converted"), COUNT)},
    "funnel": dict.fromkeys(("step", "reached"), COUNT),
    "sequences": {"states": TEXT, "sessions": COUNT},
    "features": {
        "user_id": TEXT,
        **dict.fromkeys(("days_since_last_event", "days_since_first_event"), COUNT),
        **dict.fromkeys(("events_count_7d", "events_count_30d", "events_count_90d", "events_count_life"), COUNT),
        **dict.fromkeys(("sessions_count_30d", "sessions_count_life"), COUNT),
        **dict.fromkeys(("active_days_count_30d", "purchases_count_life", "rfm_frequency_count"), COUNT),
        "rfm_recency_days": COUNT,
        "value_sum_life": MONEY,
        **dict.fromkeys(("event_names_distinct_count_30d", "event_names_distinct_count_life"), COUNT),
    },
}
"""What is asked of behaviour, from the stored tables: a Markov chain's counts (rates are their quotients), common
paths, a funnel, different sequences with their weights, and features of all users."""
