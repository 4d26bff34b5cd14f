"""Clicks of random users, some received late, and the same user by user and session by session in plain Python."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql.types import StructField, StructType

from segmentation.tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyspark.sql import DataFrame, SparkSession

TIMEOUT = timedelta(minutes=30)
NAMES = ("view", "View", "view.item", "cart", "pay", "buy")


class Click(NamedTuple):
    user: str
    name: str
    at: datetime
    got: datetime
    platform: str
    channel: str | None


def clicks() -> Iterator[Click]:
    rng, others = random.Random(5), random.Random(6)
    for number in range(90):
        at = datetime(2024, 3, 1) + timedelta(minutes=rng.randrange(29 * 1440))  # noqa: DTZ001  all are UTC
        for _ in range(rng.randrange(1, 14)):
            late = timedelta(days=rng.choice((0, 0, 3)))
            where = (others.choice(("web", "web", "ios")), others.choice(("ads", "mail", "mild", None)))
            yield Click(f"u{number}", rng.choice(NAMES), at, at + late, *where)
            at += timedelta(minutes=rng.choice((1, 7, 29, 45, 400)))
            at += timedelta(seconds=rng.randrange(60))


def events_of(spark: SparkSession, known: Sequence[Click]) -> DataFrame:
    """Events as they are stored; later ones have joined all sessions of a user since."""
    rows = [
        {
            "source": "shop", "event_id": f"e{number}", "user_id": click.user, "event_name": click.name,
            "state": click.name, "platform": click.platform, "channel": click.channel,
            "value": Decimal("9.99") if click.name == "buy" else None, "event_at": click.at, "received_at": click.got,
            "event_date": click.at.date(), "session_id": click.user, "session_started_at": click.at,
            "sequence_no": number, "transaction_kind": "purchase" if click.name == "buy" else None,
            "is_conversion": click.name == "buy", "repeated_order": False,
        }
        for number, click in enumerate(known)
    ]  # fmt: skip
    schema = StructType([StructField(field.name, field.dataType) for field in EVENTS.schema])
    return spark.createDataFrame([tuple(row.get(name) for name in schema.names) for row in rows], schema)


def known_users(known: Iterable[Click], cut: date) -> dict[str, list[Click]]:
    """What every user had done at a cut, as known then, in order."""
    users: dict[str, list[Click]] = {}
    for click in sorted(known, key=lambda one: one.at):
        if max(click.at, click.got) < datetime.combine(cut, datetime.min.time()):
            users.setdefault(click.user, []).append(click)
    return users


def visits_of(done: Sequence[Click]) -> list[list[Click]]:
    """Cut what a user did into sessions."""
    visits: list[list[Click]] = []
    for click in done:
        if visits and click.at - visits[-1][-1].at <= TIMEOUT:
            visits[-1].append(click)
        else:
            visits.append([click])
    return visits
