"""A lake made from a plain list of events, through the same tables that the jobs write; used by the page's tests."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from pyspark.sql.types import DoubleType

from segmentation.tables import (
    ALERTS,
    COHORTS,
    DRIFT,
    EVALUATIONS,
    EVENTS,
    EXIT,
    INGEST_LEDGER,
    MODEL_DECISIONS,
    MONITORED_RATES,
    QUALITY_RESULTS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    SESSIONS,
    START,
    TRANSITIONS,
    USER_DAYS,
    user_features_table,
)
from segmentation.tables.table import Column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segmentation.lake.lake import Lake
    from segmentation.tables import Table

Row = dict[str, Any]
DAYS_BEFORE = 2
"""Days between the two cuts."""
FEATURES = user_features_table(
    Column(name, DoubleType(), "a feature", nullable=True)
    for name in (
        "sessions_count_30d",
        "days_since_last_event",
        "value_sum_life",
        "event_name_entropy_bits_life",
        "rfm_frequency_count",
    )
)


@dataclass(frozen=True)
class Hit:
    """An event, as far as the review looks at it."""

    user: str
    session: str
    at: datetime
    state: str
    platform: str = "web"


def few_hits(names: tuple[str, ...] = ("home", "catalog", "cart", "purchase")) -> list[Hit]:
    """Make 24 sessions of 12 users over 6 days; every third session walks through all names, repeats included."""
    start = datetime(2024, 5, 1, 9, tzinfo=timezone.utc)
    hits = []
    for number in range(24):
        reached = len(names) if number % 3 == 0 else 1 + number % len(names)
        walk = [name for name in names[:reached] for _ in range(1 + number % 2)]
        began = start + timedelta(days=number % 6, minutes=17 * number)
        hits += [
            Hit(
                f"user-{number % 12}",
                f"s{number:03d}",
                began + timedelta(seconds=40 * i),
                state,
                ("web", "ios")[number % 2],
            )
            for i, state in enumerate(walk)
        ]
    return hits


def write_lake(
    lake: Lake,
    hits: list[Hit],
    *,
    segments: tuple[str, ...] = ("Regulars", "Visitors"),
    scorers: bool = True,
    skip: Iterable[Table] = (),
) -> date:
    """Write and publish every table that the page reads, but those in `skip`; return the cut.

    Without `scorers` nobody has a propensity, so that no model is looked for.
    """
    as_of = max(hit.at for hit in hits).date() + timedelta(days=1)
    tables = {
        EVENTS: _events(hits),
        SESSIONS: _sessions(hits),
        TRANSITIONS: _transitions(hits),
        USER_DAYS: _user_days(hits),
        INGEST_LEDGER: _ledger(hits),
        QUALITY_RESULTS: _checks(as_of),
        MODEL_DECISIONS: _decisions(as_of, segments[0]),
        **_monitored(as_of, hits[0].state),
        **_scored(sorted({hit.user for hit in hits}), as_of, segments, scorers=scorers),
    }
    left_out = {table.name for table in skip}
    for table, rows in tables.items():
        if table.name not in left_out:
            lake.replace(
                table,
                lake.spark.createDataFrame([tuple(row.get(n) for n in table.names) for row in rows], table.schema),
            )
    lake.publish({})
    return as_of


def sessions_of(hits: list[Hit]) -> dict[str, list[Hit]]:
    """Group events by session in order."""
    ordered = sorted(hits, key=lambda hit: (hit.session, hit.at))
    return {name: list(group) for name, group in groupby(ordered, key=lambda hit: hit.session)}


def _events(hits: list[Hit]) -> list[Row]:
    number_of = {id(hit): number for number, hit in enumerate(hits)}
    return [
        _event(hit, number_of[id(hit)], before=group[place - 1] if place else None, first=group[0], last=group[-1])
        for group in sessions_of(hits).values()
        for place, hit in enumerate(group)
    ]


def _event(hit: Hit, number: int, *, before: Hit | None, first: Hit, last: Hit) -> Row:
    return {
        "source": "shop",
        "event_id": f"e{number:06d}",
        "user_id": hit.user,
        "identifier": hit.user,
        "event_name": hit.state,
        "state": hit.state,
        "event_at": hit.at,
        "received_at": hit.at,
        "event_date": hit.at.date(),
        "platform": hit.platform,
        "is_conversion": hit.state == "purchase",
        "repeated_order": False,
        "properties": "{}",
        "session_id": hit.session,
        "session_started_at": first.at,
        "session_date": first.at.date(),
        "session_platform": first.platform,
        "entry_state": first.state,
        "previous_state": before.state if before else None,
        "gap_s": int((hit.at - before.at).total_seconds()) if before else None,
        "ends_session": hit is last,
        "identity_hash": 0,
        "unit_id": "b1",
        "record_no": number,
    }


def _sessions(hits: list[Hit]) -> list[Row]:
    return [
        {
            "session_id": name,
            "user_id": group[0].user,
            "started_at": group[0].at,
            "ended_at": group[-1].at,
            "session_date": group[0].at.date(),
            "events": len(group),
            "duration_ms": round((group[-1].at - group[0].at).total_seconds() * 1000) if len(group) > 1 else None,
            "duration_imputed": len(group) == 1,
            "entry_state": group[0].state,
            "exit_state": group[-1].state,
            "platform": group[0].platform,
            "converted": any(hit.state == "purchase" for hit in group),
            "value": Decimal(0),
            "capped": False,
        }
        for name, group in sessions_of(hits).items()
    ]


def _transitions(hits: list[Hit]) -> list[Row]:
    counts: Counter[tuple[Any, ...]] = Counter()
    for group in sessions_of(hits).values():
        states = [START, *(hit.state for hit in group), EXIT]
        counts.update((group[0].at.date(), group[0].platform, a, b) for a, b in pairwise(states))
    return [dict(zip(TRANSITIONS.names, (*key, n, 1), strict=True)) for key, n in counts.items()]


def _user_days(hits: list[Hit]) -> list[Row]:
    days: dict[tuple[str, date], list[Hit]] = {}
    for hit in hits:
        days.setdefault((hit.user, hit.at.date()), []).append(hit)
    nothing = {name: 0 for name in USER_DAYS.measures if name not in {"value", "purchase_value"}}
    return [
        {
            **nothing,
            "value": Decimal(0),
            "purchase_value": Decimal(0),
            "user_id": user,
            "event_date": day,
            "events": len(own),
            "sessions": len({hit.session for hit in own}),
            "purchases": sum(hit.state == "purchase" for hit in own),
        }
        for (user, day), own in days.items()
    ]


def _ledger(hits: list[Hit]) -> list[Row]:
    """Four records beyond the accepted ones: two duplicates, one null user, one unparsable."""
    rows = []
    for (day, name), n in Counter((hit.at.date(), hit.state) for hit in hits).items():
        rows += [(day, name, stage, None, n) for stage in ("read", "parsed", "accepted")]
    day = hits[0].at.date()
    rows += [(day, "home", stage, None, 2) for stage in ("read", "parsed", "duplicate")]
    rows += [(day, "home", stage, None, 1) for stage in ("read", "parsed")]
    rows += [
        (day, "home", "quarantined", "null_user", 1),
        (None, None, "read", None, 1),
        (None, None, "unparsable", "not_json", 1),
    ]
    merged: Counter[tuple[Any, ...]] = Counter()
    for *key, n in rows:
        merged[tuple(key)] += n
    return [dict(zip(INGEST_LEDGER.names, ("b1", "shop", *key, n), strict=True)) for key, n in merged.items()]


def _checks(as_of: date) -> list[Row]:
    """Make one verdict of each kind."""
    day = as_of - timedelta(days=1)
    rows = [
        ("basics.rejected", "share", "warning", 0.02, 2, 100, "passed", "2 of 100 records rejected"),
        ("basics.volume", "volume", "warning", None, None, None, "not_judged", "3 Fridays, 4 are needed"),
        ("shop.names", "event_names", "warning", 1.0, None, None, "warned", "gone: <b>cart</b> (48 expected)"),
        ("shop.prices", "range", "error", 0.9, 90, 100, "failed", "90 of 100 values of value lie within the range"),
    ]
    return [
        dict(
            zip(
                QUALITY_RESULTS.names,
                (check, kind, level, "shop", day, as_of, value, part, whole, None, 0.5, status, evidence),
                strict=True,
            )
        )
        for check, kind, level, value, part, whole, status, evidence in rows
    ]


def _decisions(as_of: date, name: str) -> list[Row]:
    """Make a first champion and a challenger that was not better."""
    at = datetime(2024, 5, 7, 6, tzinfo=timezone.utc)
    kind, why = "propensity-churn", f"not better beyond chance for {name}"
    rows = [
        (kind, 1, "promoted", "1", None, "1", as_of, at, None, None, None, None, "there was no champion", "run-0"),
        (kind, 2, "kept", "2", "1", "1", as_of, at, "log_loss", 0.01, -0.02, 0.04, why, "run-0"),
    ]
    return [dict(zip(MODEL_DECISIONS.names, row, strict=True)) for row in rows]


def _monitored(as_of: date, state: str) -> dict[Table, list[Row]]:
    """Make one of everything that is monitored, of which a feature and a transition are beyond their thresholds."""
    before, begins = as_of - timedelta(days=28), as_of - timedelta(days=7)
    move = f"transition:{state} -> purchase"
    drift = [
        ("segments", 12, 12, 0.01, 0.05, None, 0.9, 0.9, None, None, None, None, None, None, "ok"),
        ("feature:sessions_count_30d", 12, 12, 0.4, 0.3, 0.5, 1e-9, 3e-9, 2.0, 3.0, 0.25, 0.75, 0.1, 0.3, "breach"),
        ("propensity:churn", 12, 12, 0.02, 0.1, 0.1, 0.5, 0.75, 0.3, 0.3, 0.0, 0.0, 0.01, 0.01, "ok"),
    ]
    rates = [
        (move, begins, as_of, 2, 58, 2 / 58, 0.186, 312, -0.2, -0.1, 0.002, 0.002, 0.17, "breach"),
        ("calibration:churn", before, as_of, 3, 12, 0.25, 0.3, None, -0.2, 0.2, 0.7, 0.7, 0.3, "ok"),
    ]
    alerts = [
        ("psi", "feature:sessions_count_30d", as_of, 0.4, 0.25, 3e-9, "stability index 0.4"),
        ("rate_change", move, as_of, 2 / 58 - 0.186, 0.02, 0.002, "2 of 58 (3.4%); 18.6% expected"),
    ]
    earlier = as_of - timedelta(days=DAYS_BEFORE)
    return {
        DRIFT: [
            dict(zip(DRIFT.names, (one[0], cut, before, *one[1:]), strict=True))
            for cut in (earlier, as_of)
            for one in drift
        ],
        MONITORED_RATES: [dict(zip(MONITORED_RATES.names, (one[0], as_of, *one[1:]), strict=True)) for one in rates],
        ALERTS: [dict(zip(ALERTS.names, one, strict=True)) for one in alerts],
    }


def _scored(users: list[str], as_of: date, segments: tuple[str, ...], *, scorers: bool) -> dict[Table, list[Row]]:
    """Score everybody at the cut and at one some days earlier, when some were in the next segment."""
    number = {user: int(hashlib.sha256(user.encode()).hexdigest()[:8], 16) for user in users}
    of = {user: number[user] % len(segments) for user in users}
    moved = {user: (of[user] + (number[user] % 5 == 0)) % len(segments) for user in users}
    earlier = as_of - timedelta(days=DAYS_BEFORE)
    before = _score(users, earlier, segments, scorers=scorers, number=number, of=moved)
    now = _score(users, as_of, segments, scorers=scorers, number=number, of=of)
    return {table: [*before[table], *rows] for table, rows in now.items()}


def _score(
    users: list[str],
    as_of: date,
    segments: tuple[str, ...],
    *,
    scorers: bool,
    number: dict[str, int],
    of: dict[str, int],
) -> dict[Table, list[Row]]:
    score = {user: 1 / (1 + math.exp(2 - of[user] - number[user] % 97 / 97)) for user in users}
    propensities = {
        user: [("churn", 1 - p, 1 - p, "1"), ("purchase", p, p * 0.9, "1")] if scorers else []
        for user, p in score.items()
    }
    members = {position: [user for user in users if of[user] == position] for position in range(len(segments))}
    features = FEATURES.names[-5:]
    profiles = [
        {
            "segment_id": f"seg-{p}",
            "as_of": as_of,
            "segment_name": name,
            "cluster_model_version": "1",
            "users": len(members[p]),
            "share": len(members[p]) / len(users),
            "centroid": {feature: 1.5 * (p + 1) + i for i, feature in enumerate(features)},
            "distinctions": [
                (feature, 1.5 * (p + 1) + i, 2.5 + i, (-1) ** (p + i) * (1.4 - 0.3 * i), 2.0 + i, 0.5)
                for i, feature in enumerate(features)
            ],
            "propensities": {"purchase": 0.3},
            "portrait": ("sessions_count_30d > 2.5", 0.9, 0.8) if p == 0 else None,
        }
        for p, name in enumerate(segments)
        if members[p]
    ]
    assignments = [
        {
            "user_id": user,
            "as_of": as_of,
            "cluster_id": of[user],
            "segment_id": f"seg-{of[user]}",
            "segment_name": segments[of[user]],
            "distance": 0.5,
            "margin": 0.2,
            "outlier": False,
            "model_cluster_id": of[user],
            "assignment_rule": "as the model says",
            "cluster_model_version": "1",
            "propensities": propensities[user],
        }
        for user in users
    ]
    rules = {"high_frequency": 3, "inactive": 4, "new": 2}
    cohorts = [
        {
            "user_id": user,
            "rule": rule,
            "as_of": as_of,
            "rule_version": "0123456789abcdef",
            "evidence": {},
            "thresholds": {"sessions_count_7d > 10": 10.0, "events_count_30d >= percentile 90": 34.25},
        }
        for rule, every in rules.items()
        for user in users
        if number[user] % every == 0
    ]
    changes = [
        {
            "segmentation": "model",
            "user_id": user,
            "segment_id": f"seg-{of[user]}",
            "changed_at": as_of,
            "direction": "entered",
            "cause": "behaviour",
            "evidence": "{}",
        }
        for user in users
    ]
    evaluations = [
        (
            "silhouette_squared_euclidean",
            "clusters",
            as_of,
            0.41,
            None,
            None,
            "mean over users, squared Euclidean, scaled space",
            0.1,
            "ok",
        ),
        ("davies_bouldin", "clusters", as_of, 2.81, None, None, "Davies and Bouldin (1979), Euclidean", 2.5, "breach"),
        ("auc_pr", "propensity:purchase", as_of, 0.62, 0.55, 0.68, "held-out later window", None, "info"),
    ]
    return {
        SEGMENT_PROFILES: profiles,
        SEGMENT_ASSIGNMENTS: assignments,
        COHORTS: cohorts,
        SEGMENT_CHANGES: changes,
        EVALUATIONS: [dict(zip(EVALUATIONS.names, row, strict=True)) for row in evaluations],
        FEATURES: [
            {
                "user_id": user,
                "as_of": as_of,
                "feature_set_version": "1",
                **{name: float(number[user] % (5 + i) + 3 * of[user]) for i, name in enumerate(features)},
            }
            for user in users
        ],
    }
