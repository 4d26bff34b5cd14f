"""Land a tracker's days as Parquet files, with what hurts in life.

Everything derives from hashes of (seed, kind, day, session, event), in built-in Spark expressions. One task makes the
file of one day of receipt, out of the sessions of the days before that may be received on it: no exchange, and the
same rows at any parallelism. A smaller history's sessions are a subset of a larger one's with as many users.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from benchmarks.scales import DAYS, FIRST_DAY, SEED
from segmentation.runtime.session import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import Column, DataFrame, SparkSession

    from benchmarks.scales import Inputs

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
TIMEOUT = 1800 * SECOND
EPOCH = (FIRST_DAY - date(1970, 1, 1)).days * DAY

PEOPLE, BOTS, WHALE, OFFLINE, EXTRA = range(5)
"""Kinds of sessions. WHALE is one user with 1 % of all events; OFFLINE and EXTRA make the late day: sessions of their
own, and more events in sessions of the history."""
PEOPLE_SESSION, BOT_SESSION = 8, 40
BURST_DAY, BURST_SHARE = 45, 0.4
"""On one day the whale sends 40 % of its events: at 20M that is beyond the cap of a user's day."""

ALL, LATE, TAIL = (0, 1), (3, 25), (7, 1000)
"""(first, step) of session numbers. One in 25 is partly late, one in 1000 later than a week or received again after a
month; so days long ago are searched for those alone."""
DONE = "_DONE"
RULES = ("CollapseProject", "PushDownPredicates", "PushPredicateThroughNonJoin")
"""Optimizer rules that would inline every step into every other, beyond what Spark compiles."""

NAMES = (
    *("page_view", "product_view", "search", "click", "scroll", "login", "add_to_cart", "page_ping", "filter", "share"),
    *(
        "wishlist",
        "purchase",
        "review",
        "video_play",
        "coupon",
        "checkout",
        "remove_from_cart",
        "help",
        "logout",
        "refund",
    ),
)
PLATFORMS = ("web", "ios", "android")
DEVICES = ("desktop", "mobile", "tablet")
CHANNELS = ("organic", "email", "paid_search", "social", "referral", "affiliate")


@dataclass(frozen=True)
class World:
    """What sessions there are: how many of each kind a day, of how many users."""

    day_events: int
    users: int
    seed: int = SEED

    def sessions(self, kind: Column, day: Column) -> Column:
        """Return how many sessions of a kind begin on a day."""
        whale = 0.01 * self.day_events / BOT_SESSION
        late = self.day_events / 2 / 3 / PEOPLE_SESSION  # half of the late day each, over three days
        burst = F.when(day == BURST_DAY, round(BURST_SHARE * whale * DAYS)).otherwise(0)
        steady = [0.89 * self.day_events / PEOPLE_SESSION, 0.1 * self.day_events / BOT_SESSION]
        counts = [*steady, (1 - BURST_SHARE) * whale, late, late]
        return F.get(F.lit([round(n) for n in counts]), kind) + F.when(kind == WHALE, burst).otherwise(0)


@dataclass(frozen=True)
class Part:
    """A folder of files and what is in them."""

    folder: Path
    world: World
    days: range
    """Days of receipt, counted from the first day; a file each."""
    late: bool
    """A day on which as many events as a day has are received 1 to 72 hours late, and no others."""


SETTINGS = {
    "spark.master": "local[*]",
    "spark.driver.memory": "3g",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.optimizer.excludedRules": ",".join(f"org.apache.spark.sql.catalyst.optimizer.{rule}" for rule in RULES),
    # The whole generator is one large compiled method.
    "spark.driver.extraJavaOptions": "-XX:-DontCompileHugeMethods -XX:+UseParallelGC",
}


def missing(inputs: Inputs) -> list[Part]:
    """Return which of the history's 90 files, the next day and the late day are not there yet."""
    history = World(inputs.scale.day_events, inputs.scale.users)
    day = World(inputs.day_events, inputs.scale.users)
    parts = [
        Part(inputs.history, history, range(DAYS), late=False),
        Part(inputs.next_day, day, range(DAYS, DAYS + 1), late=False),
        Part(inputs.late_day, day, range(DAYS, DAYS + 1), late=True),
    ]
    return [part for part in parts if not (part.folder / DONE).exists()]


def generate(inputs: Inputs) -> None:
    """Write what is missing."""
    parts = missing(inputs)
    if not parts:
        return
    spark = open_session("generate", SETTINGS)
    for part in parts:
        land(spark, part)
    spark.stop()


def land(spark: SparkSession, part: Part) -> None:
    """Write one file a day of receipt, in a session with SETTINGS.

    Task number = day, so Spark's part files are renamed after it.
    """
    made = part.folder.with_name(part.folder.name + ".tmp")
    shutil.rmtree(made, ignore_errors=True)
    shutil.rmtree(part.folder, ignore_errors=True)
    received = spark.range(part.days.start, part.days.stop, 1, len(part.days)).withColumnRenamed("id", "received_day")
    events = _events(_sessions(received, part.world, late=part.late), part.world)
    records = _records(_deliveries(events, late=part.late)).sortWithinPartitions("received_at", "event_id")
    records.write.option("compression", "zstd").parquet(str(made))
    part.folder.mkdir(parents=True)
    for file in sorted(made.glob("part-*.parquet")):
        day = FIRST_DAY + timedelta(days=part.days[int(file.name[5:10])])
        file.rename(part.folder / f"day={day}.parquet")
    shutil.rmtree(made)
    (part.folder / DONE).touch()


def _sessions(days: DataFrame, world: World, *, late: bool) -> DataFrame:
    """List the sessions of which something may be received on each day, with what all their events share."""
    if late:
        parts = [(lag, kind, *ALL) for lag in (1, 2, 3) for kind in (OFFLINE, EXTRA)]
    else:
        parts = [(lag, kind, *ALL) for lag in range(4) for kind in (PEOPLE, BOTS, WHALE)]
        parts += [(lag, kind, *LATE) for lag in range(4, 7) for kind in (PEOPLE, BOTS, WHALE)]
        parts += [(lag, kind, *TAIL) for lag in range(4, 51) for kind in (PEOPLE, BOTS, WHALE)]
    listed = F.explode(F.array(*(F.struct(*map(F.lit, part)) for part in parts)))
    found = days.select("received_day", listed.alias("of")).select(
        "received_day",
        F.col("of.col2").alias("kind"),
        (F.col("received_day") - F.col("of.col1")).alias("day"),
        F.col("of.col3").alias("first"),
        F.col("of.col4").alias("step"),
    )
    counted = found.where(F.col("day") >= 0).select(
        "*", (world.sessions(F.col("kind"), F.col("day")) - 1).alias("last")
    )
    numbered = counted.where(F.col("last") >= F.col("first")).select(
        "*", F.sequence("first", "last", "step").alias("_no")
    )
    numbered = numbered.select("received_day", "kind", "day", F.explode("_no").alias("no"))
    # Events of EXTRA join the people's sessions of the same number.
    own = F.when(F.col("kind") == EXTRA, PEOPLE).otherwise(F.col("kind"))
    hashed = numbered.select("*", F.xxhash64(F.lit(world.seed), own, "day", "no").alias("h"))
    return hashed.select("received_day", "kind", "day", "no", "h", *_session_columns(world))


def _session_columns(world: World) -> list[Column]:
    kind, no, bots = F.col("kind"), F.col("no"), max(world.users // 1000, 1)
    machine = kind.isin(BOTS, WHALE)
    rank = (
        F.when(kind == BOTS, world.users + _pick(bots, "user"))
        .when(kind == WHALE, world.users + bots)
        .otherwise(F.floor(world.users * F.pow(_share("user"), 2)))
    )
    # Mean 8 and geometric, so that one session in eight has one event.
    length = 1 / math.log(PEOPLE_SESSION / (PEOPLE_SESSION - 1))
    people = F.least(1 + F.floor(-F.log(1 - _share("length")) * length), F.lit(200))
    platform = _pick(20, "platform")
    in_day = F.floor(DAY * F.pmod((_share("hour") + _share("minute")) / 2 + 0.1, F.lit(1.0)))
    start = F.when(no % 200 == 11, 0).when(no % 200 == 12, DAY - 30 * SECOND).otherwise(in_day)
    coarse = _pick(20, "coarse") == 0
    pace = F.when(machine, 0.2 + 2.8 * _share("pace")).when(coarse, 0.5).otherwise(2 * F.exp(4.1 * _share("pace")))
    return [
        F.substring(F.md5(F.concat_ws("-", F.lit(f"user-{world.seed}"), rank)), 1, 32).alias("user"),
        (16 + F.pmod(rank, F.lit(17))).alias("user_length"),
        F.when(machine, 20 + _pick(41, "length")).otherwise(people).cast("int").alias("events"),
        (EPOCH + F.col("day") * DAY + start).alias("start"),
        F.floor(pace * SECOND).alias("pace"),
        coarse.alias("coarse"),
        _pick(33, "gap").alias("gap"),  # 0, 1, 2: the timeout exactly, and a microsecond more and less
        _share("gap at").alias("gap_at"),
        F.when(platform < 11, 0).when(platform < 16, 1).otherwise(2).alias("platform"),
        _pick(10, "channel").alias("channel"),
    ]


def _share(salt: str, of: str = "h") -> Column:
    """Return a double in [0, 1) that hangs on a hash column and a salt."""
    return F.shiftrightunsigned(F.xxhash64(of, F.lit(salt)), 11) * F.lit(2.0**-53)


def _pick(n: int, salt: str, of: str = "h") -> Column:
    """Return a whole number in [0, n) that hangs on a hash column and a salt."""
    return F.pmod(F.xxhash64(of, F.lit(salt)), F.lit(n))


def _one_of(values: tuple[str, ...], index: Column) -> Column:
    return F.get(F.array(*map(F.lit, values)), index.cast("int"))


def _events(sessions: DataFrame, world: World) -> DataFrame:
    """Lay each session's events out in time: even steps, each event anywhere within its step."""
    i, after = F.col("i"), F.greatest(F.lit(1), F.floor(F.col("gap_at") * F.col("events"))).cast("int")
    timed = sessions.select(
        "*",
        F.explode(F.sequence(F.lit(0), F.col("events") - 1)).alias("i"),
    ).select("*", F.xxhash64("h", "kind", "i").alias("e"), after.alias("_k"))
    pause = F.when(
        (F.col("gap") <= 2) & (i >= F.col("_k")),
        _offset(F.col("_k") - 1)
        + TIMEOUT
        + F.get(F.array(*map(F.lit, (0, 1, -1))), F.col("gap").cast("int"))
        - _offset(F.col("_k")),
    ).otherwise(0)
    at = F.col("start") + _offset(i) + pause
    return timed.select(
        *("received_day", "kind", "day", "no", "i", "e", "user", "user_length", "platform", "channel"),
        at.alias("at"),
        F.lit(world.seed).alias("seed"),
    )


def _offset(i: Column) -> Column:
    """Return the micros from the session's start to its event i; coarse sessions have whole seconds, hence ties."""
    within = F.shiftrightunsigned(F.xxhash64("h", F.lit("step"), i.cast("int")), 11) * F.lit(2.0**-53)
    exact = i * F.col("pace") + F.floor(within * F.col("pace"))
    return F.when(F.col("coarse"), F.floor(exact / SECOND) * SECOND).otherwise(exact)


def _deliveries(events: DataFrame, *, late: bool) -> DataFrame:
    """Deliver each event, some twice; keep what is received on the day.

    The filter stands before the explode, and what is exploded is a column: Spark does not compile generators.
    """
    timed = events.select("*", *(at.cast("bigint").alias(f"_{no}") for no, at in enumerate(_receipts(late=late))))
    shift = F.when(_pick(2, "sign", "e") == 0, -1).otherwise(1) * (SECOND + _pick(600 * SECOND, "shift", "e"))
    today = [F.floor((F.col(f"_{no}") - EPOCH) / DAY) == F.col("received_day") for no in range(4)]
    some = reduce(or_, (F.coalesce(is_today, F.lit(False)) for is_today in today))
    at = [F.col("at"), F.col("at"), F.col("at") + shift, F.col("at")]
    chosen = [F.when(is_today, _delivery(no, at[no])) for no, is_today in enumerate(today)]
    listed = timed.where(some).select("*", F.array(*chosen).alias("_of"))
    return listed.select("*", F.explode("_of").alias("of")).where(F.col("of").isNotNull())


def _receipts(*, late: bool) -> list[Column]:
    """Return when an event is received, received again, with another time, and after a month; null: it is not."""
    if late:
        return [_received_late(), F.lit(None), F.lit(None), F.lit(None)]
    first, copied = F.col("at") + _delay(), _pick(1000, "copy", "e")
    again = first + F.floor(MINUTE * F.exp(7.96 * _share("again in", "e")))  # up to 48 hours
    other = first + F.floor(MINUTE * F.exp(7.96 * _share("other in", "e")))
    month = first + 31 * DAY + _pick(14 * DAY, "month", "e")
    return [
        first,
        F.when(copied < 30, again),
        F.when(copied >= 990, other),
        F.when(F.col("no") % 2000 == 1007, month),
    ]


def _delivery(no: int, at: Column) -> Column:
    return F.struct(F.lit(no).alias("no"), at.cast("bigint").alias("at"), F.col(f"_{no}").alias("received_at"))


def _delay() -> Column:
    is_late = (F.col("no") % 25 == 3) & (_pick(2, "late", "e") == 0)
    is_too_late = F.col("no") % 2000 == 7
    return (
        F.when(is_too_late, 7 * DAY + 1 + _pick(13 * DAY, "delay", "e"))
        .when(is_late, HOUR + _pick(71 * HOUR, "delay", "e"))
        .otherwise(50_000 + _pick(5 * SECOND, "delay", "e"))
    )


def _received_late() -> Column:
    """Return an instant of the day of receipt, 1 to 72 hours after the event."""
    midnight = EPOCH + F.col("received_day") * DAY
    earliest = F.greatest(midnight, F.col("at") + HOUR)
    latest = F.least(midnight + DAY - 1, F.col("at") + 72 * HOUR)
    return earliest + F.floor(F.greatest(latest - earliest, F.lit(0)) * _share("delay", "e"))


def _records(deliveries: DataFrame) -> DataFrame:
    """Write deliveries down as the tracker sends them, with its noise."""
    name = _one_of(NAMES, F.floor(F.pow(F.lit(float(len(NAMES) + 1)), _share("name", "e"))) - 1)
    noise = F.pmod(F.xxhash64("e", F.lit("noise"), "of.no"), F.lit(1000))
    user = F.expr("substring(user, 1, user_length)")
    sent_user = (
        F.when(noise < 5, F.lit(None))
        .when(noise == 5, "  ")
        .when(noise < 11, F.upper(user))
        .when(noise < 16, F.concat(F.lit(" "), user, F.lit("  ")))
        .otherwise(user)
    )
    platform = _one_of(PLATFORMS, F.col("platform"))
    sent_platform = (
        F.when(noise >= 990, F.upper(platform)).when(noise >= 980, F.concat(platform, F.lit(" "))).otherwise(platform)
    )
    cents = (99 + _pick(20_000, "value", "e")).cast("decimal(9,0)")
    money = F.col("event_name").isin("purchase", "refund")
    sign = F.when(F.col("event_name") == "refund", Decimal("-0.01")).otherwise(Decimal("0.01"))
    currency = _pick(100, "currency", "e")
    named = deliveries.select("*", name.alias("event_name"))
    return named.select(
        F.md5(F.concat_ws("-", *(F.col(c) for c in ("seed", "kind", "day", "no", "i")))).alias("event_id"),
        sent_user.alias("user_id"),
        "event_name",
        F.timestamp_micros("of.at").alias("event_at"),
        F.timestamp_micros("of.received_at").alias("received_at"),
        sent_platform.alias("platform"),
        _one_of(DEVICES, F.when(F.col("platform") == 0, _pick(3, "device", "day")).otherwise(1)).alias("device_type"),
        _one_of(CHANNELS, F.col("channel")).alias("channel"),  # beyond the last: null
        F.when(money, (cents * sign).cast("decimal(18,4)")).alias("value"),
        F.when(money & (currency < 95), "USD").when(money & (currency < 98), "EUR").alias("currency"),
        F.concat(F.lit("/p/"), _pick(5000, "page", "e")).alias("page"),
    )
