"""Features against hand-made users and against plain Python on random ones."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from segmentation.features import seasonality, user_features_contract
from segmentation.features.build import FeatureInputs, build_user_features
from segmentation.features.inputs import median_durations
from segmentation.features.params import FeatureParams
from segmentation.tables import SESSIONS, STEP_SEPARATOR, USER_DAYS
from tests.spark.stored import ITEM_SCHEMA

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

AS_OF = date(2024, 4, 1)
PARAMS = FeatureParams(used_features=("search", r"it's \ a \"wish\""))
WINDOWS = {"7d": 7, "30d": 30, "90d": 90, "life": 10_000}


def day(ago: int) -> date:
    return AS_OF - timedelta(days=ago)


class Rows:
    """Collects input rows; what a case does not care about is zero."""

    def __init__(self) -> None:
        self.days: list[dict[str, Any]] = []
        self.items: list[tuple[str, date, str, str, int]] = []
        self.sessions: list[dict[str, Any]] = []

    def day(self, user: str, ago: int, **values: Any) -> None:
        zero = dict.fromkeys(USER_DAYS.measures, 0)
        money = {"value": Decimal(0), "purchase_value": Decimal(0)}
        self.days.append({**zero, **money, "events": 1, "user_id": user, "event_date": day(ago), **values})

    def item(self, user: str, ago: int, dimension: str, item: str, n: int) -> None:
        self.items.append((user, day(ago), dimension, item, n))

    def session(self, user: str, ago: int, duration_ms: int | None, platform: str, **values: Any) -> None:
        row = dict.fromkeys(SESSIONS.names)
        row |= {"session_id": str(len(self.sessions)), "user_id": user, "session_date": day(ago)}
        row |= {"duration_ms": duration_ms, "platform": platform, "capped": False, **values}
        self.sessions.append(row)

    def frames(self, spark: SparkSession, order: int = 1) -> tuple[DataFrame, DataFrame, DataFrame]:
        days = spark.createDataFrame(self.days[::order], USER_DAYS.schema)
        items = spark.createDataFrame(self.items[::order], ITEM_SCHEMA)
        nullable = SESSIONS.schema
        for field in nullable:
            field.nullable = True
        return days, items, spark.createDataFrame(self.sessions[::order], nullable)


def build(frames: tuple[DataFrame, DataFrame, DataFrame]) -> dict[str, Any]:
    rows = build_user_features({AS_OF: FeatureInputs(*frames)}, params=PARAMS).collect()
    users = {row["user_id"]: row for row in rows}
    assert len(users) == len(rows)
    return users


def hand_made() -> Rows:
    rows = Rows()
    for ago in (0, 7, 8, 30, 31, 90, 91):  # 0 is the day of the cut itself: not before it
        rows.day("edge", ago, sessions=1, value=Decimal("1.10"))
        rows.item("edge", ago, "event_name", f"name {ago}", 2)
        rows.session("edge", ago, 1000 * ago, "tv")
    rows.day("after", 0)

    rows.day("single", 40)  # no session began: a part of an imported history
    rows.item("single", 40, "event_name", "a", 7)
    rows.item("single", 40, "hour", "03", 7)

    for name, n in (("search", 2), ("b", 1), (PARAMS.used_features[1], 1)):
        rows.item("varied", 1, "event_name", name, n)
    for step, n in ((("web", "START", "a"), 1), (('i"o,[s', "START", "a"), 1), (("web", "a", "EXIT"), 2)):
        rows.item("varied", 1, "transition", STEP_SEPARATOR.join(step), n)
    rows.item("varied", 1, "platform", "web", 3)
    rows.item("varied", 1, "platform", "unknown", 1)
    rows.item("varied", 1, "device_type", "handset", 1)
    rows.item("varied", 20, "device_type", "tv", 3)
    rows.item("varied", 1, "channel", "ads", 1)
    rows.item("varied", 20, "channel", "mail", 1)
    rows.item("varied", 1, "hour", "00", 1)
    rows.item("varied", 1, "hour", "23", 3)
    rows.day("varied", 1, events=4, sessions=1, gap_s_sum=10 + 20 + 60, gap_s2_sum=100 + 400 + 3600)
    rows.day("varied", 20, sessions=1)

    rows.day("once", 10, purchases=3, purchase_value=Decimal(30), value=Decimal(29))
    rows.day("repeat", 20, purchases=1, purchase_value=Decimal("10.00"))
    rows.day("repeat", 15, purchases=2, purchase_value=Decimal("7.25"))
    rows.day("repeat", 5, purchases=1, purchase_value=Decimal("0.25"))
    rows.day("repeat", 2, value=Decimal(-5))

    rows.day("going", 1)
    for ago, events, converted in ((1, 1, False), (2, 5, False), (20, 3, True)):
        rows.session("going", ago, None, "pos", events=events, converted=converted)
    rows.session("going", 1, None, "pos", events=1, converted=True, capped=True)
    for ago, step, n in ((1, "a b", 3), (1, "b b", 1), (1, "START a", 2), (1, "b EXIT", 2), (20, "c c", 2)):
        rows.item("going", ago, "transition", STEP_SEPARATOR.join(("web", *step.split())), n)

    for ago, known in ((9, 4999), (9, 1000), (9, 3000), (9, 2000)):  # whole seconds 4 1 3 2: lower median 2
        rows.session("timed", ago, known, "web")
    rows.session("timed", 3, None, "web")
    rows.session("timed", 3, 999_000_000, "web", capped=True)
    rows.session("timed", 3, None, "pos")  # nobody's duration is known on this platform
    rows.day("timed", 9)
    rows.session("unknown", 3, None, "pos")
    rows.day("unknown", 3)
    return rows


@pytest.fixture(scope="module")
def users(spark: SparkSession) -> dict[str, Any]:
    return build(hand_made().frames(spark))


def test_users_are_those_with_a_day_before_the_cut(users: dict[str, Any]) -> None:
    assert set(users) == {"edge", "single", "varied", "once", "repeat", "going", "timed", "unknown"}


def test_a_window_holds_exactly_n_days(users: dict[str, Any]) -> None:
    edge = users["edge"]
    for window, n in {"7d": 1, "30d": 3, "90d": 5, "life": 6}.items():
        assert edge[f"events_count_{window}"] == n
        assert edge[f"sessions_count_{window}"] == n
        assert edge[f"active_days_count_{window}"] == n
        assert edge[f"event_names_distinct_count_{window}"] == n
        assert edge[f"value_sum_{window}"] == n * Decimal("1.10")
    assert (edge["days_since_last_event"], edge["days_since_first_event"]) == (7, 91)
    assert (edge["session_duration_mean_s_7d"], edge["session_duration_mean_s_30d"]) == (7.0, 15.0)


def test_undefined_is_null_and_nothing_counted_is_zero(users: dict[str, Any]) -> None:
    single = users["single"]
    undefined = [
        "events_per_session_mean_life",
        "session_duration_mean_s_life",
        "gap_std_s_life",
        "active_interval_mean_days_life",
        "weekend_events_share_30d",
        "event_name_entropy_bits_30d",
        "transition_entropy_bits_life",
        "hour_concentration_index_30d",
        "platform_web_share_life",
        "device_tv_share_life",
        "rfm_recency_days",
        "rfm_age_days",
        "rfm_monetary_value",
    ]
    assert {name: single[name] for name in undefined} == dict.fromkeys(undefined)
    zero = [
        "events_count_30d",
        "rfm_frequency_count",
        "channels_distinct_count_life",
        "used_search_count_life",
    ]
    assert {name: single[name] for name in zero} == dict.fromkeys(zero, 0)
    assert users["once"]["event_names_distinct_count_life"] == 0  # no item at all is counted
    for row in users.values():
        for column in user_features_contract(PARAMS).columns:
            assert column.nullable or row[column.name] is not None, column.name


def test_entropy_in_bits(users: dict[str, Any]) -> None:
    assert users["single"]["event_name_entropy_bits_life"] == 0.0
    assert users["varied"]["event_name_entropy_bits_7d"] == 1.5
    assert users["varied"]["transition_entropy_bits_7d"] == 1.0  # the platforms of one pair are together


def test_usage_and_mix(users: dict[str, Any]) -> None:
    varied = users["varied"]
    assert (varied["event_names_distinct_count_7d"], varied["used_features_distinct_count_7d"]) == (3, 2)
    assert (varied["used_search_count_7d"], varied["used_it_s_a_wish_count_7d"]) == (2, 1)
    assert (varied["platform_web_share_7d"], varied["platform_ios_share_7d"]) == (0.75, 0.0)
    assert varied["platform_other_share_7d"] == 0.25
    assert (varied["device_handset_share_7d"], varied["device_handset_share_30d"]) == (1.0, 0.25)
    assert (varied["device_tv_share_7d"], varied["device_tv_share_life"]) == (0.0, 0.75)
    assert (varied["channels_distinct_count_7d"], varied["channels_distinct_count_30d"]) == (1, 2)


def test_tempo(users: dict[str, Any]) -> None:
    varied, edge = users["varied"], users["edge"]
    gaps = [10, 20, 60]
    assert varied["gap_mean_s_life"] == 30.0
    assert varied["gap_std_s_life"] == pytest.approx(statistics.stdev(gaps), rel=1e-12)
    assert varied["hour_concentration_index_7d"] == (1 + 9) / 16
    assert edge["active_interval_mean_days_7d"] is None
    assert edge["active_interval_mean_days_30d"] == 11.5  # 8 -> 7, 30 -> 8
    assert edge["active_interval_std_days_30d"] == pytest.approx(statistics.stdev([1, 22]), rel=1e-12)
    weekend = sum(day(ago).weekday() >= 5 for ago in (7, 8, 30, 31, 90, 91))
    assert 0 < weekend < 6
    assert edge["weekend_events_share_life"] == weekend / 6


def test_trend_compares_two_equal_spans(users: dict[str, Any]) -> None:
    edge = users["edge"]  # 7, 8, 30, 31, 90 and 91 days ago
    assert edge["events_trend_index_7d"] is None  # days 1 to 3 against 4 to 6
    assert edge["events_trend_index_30d"] == (2 - 1) / 3
    assert edge["events_trend_index_90d"] == (4 - 1) / 5
    assert users["varied"]["events_trend_index_7d"] == 1.0


def test_spending(users: dict[str, Any]) -> None:
    once, repeat = users["once"], users["repeat"]
    assert (once["days_since_last_purchase"], repeat["days_since_last_purchase"]) == (10, 5)
    assert once["purchase_interval_mean_days_life"] is None
    assert repeat["purchase_interval_mean_days_life"] == (20 - 5) / 2
    assert (once["purchase_value_sum_30d"], once["purchase_value_mean_30d"]) == (Decimal(30), 10.0)
    assert (repeat["purchase_value_sum_7d"], repeat["purchase_value_sum_life"]) == (Decimal("0.25"), Decimal("17.5"))
    assert repeat["purchase_value_mean_life"] == 17.5 / 4
    assert (repeat["purchase_day_value_max_7d"], repeat["purchase_day_value_max_life"]) == (
        Decimal("0.25"),
        Decimal(10),
    )
    nothing = ("days_since_last_purchase", "purchase_value_mean_life", "purchase_day_value_max_life")
    assert [users["edge"][name] for name in nothing] == [None] * 3
    assert users["edge"]["purchase_value_sum_life"] == 0


def test_outcomes(users: dict[str, Any]) -> None:
    going = users["going"]
    assert (going["bounced_sessions_share_7d"], going["bounced_sessions_share_30d"]) == (0.5, 1 / 3)
    assert (going["converting_sessions_share_7d"], going["converting_sessions_share_30d"]) == (0.0, 1 / 3)
    assert (going["repeated_state_share_7d"], going["repeated_state_share_30d"]) == (1 / 4, 3 / 6)
    assert users["varied"]["repeated_state_share_life"] is None  # START -> a -> EXIT is no step between events


def test_rfm(users: dict[str, Any]) -> None:
    once, repeat = users["once"], users["repeat"]
    names = ("rfm_frequency_count", "rfm_recency_days", "rfm_age_days", "rfm_monetary_value")
    assert tuple(once[name] for name in names) == (0, 0, 9, None)
    assert tuple(repeat[name] for name in names) == (2, 15, 19, 3.75)
    assert repeat["value_sum_7d"] == Decimal(-5)


def test_unknown_durations_are_the_platforms_lower_median(users: dict[str, Any]) -> None:
    timed = users["timed"]
    assert timed["session_duration_mean_s_7d"] == 2.0  # one imputed; a capped one and one of no median left out
    assert timed["session_duration_mean_s_life"] == pytest.approx((4.999 + 1 + 3 + 2 + 2) / 5, rel=1e-12)
    assert users["unknown"]["session_duration_mean_s_life"] is None


def test_median_is_pythons_lower_median_per_platform(spark: SparkSession) -> None:
    rows, chance = Rows(), random.Random(5)
    values = {name: [chance.randrange(9) for _ in range(n)] for name, n in (("a", 1), ("b", 2), ("c", 7), ("d", 8))}
    for platform, seconds in values.items():
        for second in seconds:
            rows.session("u", 1, second * 1000 + chance.randrange(1000), platform)
        rows.session("u", 1, None, platform)
    found = median_durations(rows.frames(spark)[2]).collect()
    assert {r["platform"]: r["median_duration_s"] for r in found} == {
        platform: statistics.median_low(seconds) for platform, seconds in values.items()
    }
    assert {r["platform"]: r["sessions"] for r in found} == {p: len(s) for p, s in values.items()}


STATES = ("full price", "on promotion", "with coupon")


def random_rows(seed: int) -> Rows:
    chance, rows = random.Random(seed), Rows()
    for user in range(30):
        for ago in chance.sample(range(1, 140), chance.randrange(1, 25)):
            names = Counter(chance.choices([*"abcde", "refund"], k=chance.randrange(1, 12)))
            hours = Counter(f"{chance.choice((0, 3, 5, 6, 11, 12, 17, 18, 23)):02d}" for _ in range(names.total()))
            purchases = chance.randrange(3)
            gaps = [chance.randrange(1, 1800) for _ in range(names.total() - 1)]
            rows.day(
                f"u{user}",
                ago,
                events=names.total(),
                sessions=1,
                purchases=purchases,
                refunds=names["refund"],
                purchase_value=Decimal(chance.randrange(1, 9999) * purchases) / 100,
                gap_s_sum=sum(gaps),
                gap_s2_sum=sum(gap * gap for gap in gaps),
            )
            rows.days[-1]["value"] = rows.days[-1]["purchase_value"] - chance.choice([0, 0, Decimal("2.5")])
            rows.days[-1]["gaps"] = gaps
            steps = Counter(STEP_SEPARATOR.join(("web", "START", chance.choice(STATES))) for _ in range(names.total()))
            steps[STEP_SEPARATOR.join(("web", "full price", "EXIT"))] = 1
            for dimension, counts in (("event_name", names), ("hour", hours), ("transition", steps)):
                for item, n in counts.items():
                    rows.item(f"u{user}", ago, dimension, item, n)
            rows.session(f"u{user}", ago, chance.choice([None, chance.randrange(600_000)]), "web")
    return rows


def expected_habits(rows: Rows, user: str) -> dict[str, float | None]:
    """Work out when, how evenly and in which state a user was active, what was taken back and what was discounted."""
    days = sorted((d for d in rows.days if d["user_id"] == user), key=lambda d: d["event_date"])
    agos = [(AS_OF - d["event_date"]).days for d in days]
    result: dict[str, float | None] = {}
    for number, name in enumerate(seasonality.WEEKDAYS):
        own = sum(d["events"] for d in days if d["event_date"].weekday() == number)
        result[f"{name}_events_share_life"] = own / sum(d["events"] for d in days)
    for window, length in {**WINDOWS, "1d": 1, "365d": 365}.items():
        inside = [d for d, ago in zip(days, agos, strict=True) if ago <= length]
        result[f"events_count_{window}"] = sum(d["events"] for d in inside)
        result[f"purchase_value_sum_{window}"] = sum(d["purchase_value"] for d in inside)
    for window, length in WINDOWS.items():
        inside = [d for d, ago in zip(days, agos, strict=True) if ago <= length]
        items = [
            (kind, item, n) for owner, on, kind, item, n in rows.items if owner == user and (AS_OF - on).days <= length
        ]
        events = sum(d["events"] for d in inside)
        for part, first in {"night": 0, "morning": 6, "afternoon": 12, "evening": 18}.items():
            n = sum(n for kind, item, n in items if kind == "hour" and first <= int(item) < first + 6)
            result[f"{part}_events_share_{window}"] = n / events if events else None
        by_weekday: Counter[int] = Counter()
        for d in inside:
            by_weekday[d["event_date"].weekday()] += d["events"]
        shares = [n / events for n in by_weekday.values()]
        result[f"weekday_concentration_index_{window}"] = sum(p * p for p in shares) if events else None
        result[f"active_days_share_{window}"] = len(inside) / min(length, max(agos))
        between = [(b["event_date"] - a["event_date"]).days for a, b in itertools.pairwise(inside)]
        if len(between) > 1:
            spread, mean = statistics.stdev(between), statistics.mean(between)
            result[f"active_interval_burstiness_index_{window}"] = (spread - mean) / (spread + mean)
        else:
            result[f"active_interval_burstiness_index_{window}"] = None
        back = float(sum(d["purchase_value"] - d["value"] for d in inside))
        bought = float(sum(d["purchase_value"] for d in inside))
        result[f"returned_value_sum_{window}"] = back
        result[f"returned_value_share_{window}"] = back / bought if bought else None
        result[f"returns_count_{window}"] = sum(d["refunds"] for d in inside)
        reached = [(item.split(STEP_SEPARATOR)[2], n) for kind, item, n in items if kind == "transition"]
        cheap = sum(n for state, n in reached if state in STATES[1:])
        result[f"discounted_events_share_{window}"] = cheap / events if events else None
        if window == "life":
            continue
        now, before = min(agos) <= length, any(length < ago <= 2 * length for ago in agos)
        kind = (
            ("new" if max(agos) <= length else "returning" if before else "resurrecting")
            if now
            else ("dormant" if before else "gone")
        )
        for one in ("new", "returning", "resurrecting", "dormant", "gone"):
            result[f"lifecycle_{one}_flag_{window}"] = int(one == kind)
    return result


def expected(rows: Rows, user: str) -> dict[str, float | None]:
    """Work the features out in plain Python, from the definitions."""
    days = sorted((d for d in rows.days if d["user_id"] == user), key=lambda d: d["event_date"])
    gaps = [gap for d in days for gap in d["gaps"]]
    result: dict[str, float | None] = {
        "gap_mean_s_life": statistics.mean(gaps) if gaps else None,
        "gap_std_s_life": statistics.stdev(gaps) if len(gaps) > 1 else None,
    }
    hours = (n for owner, on, kind, _, n in rows.items if (owner, kind) == (user, "hour") and on < AS_OF)
    result["events_in_an_hour_max_life"] = max(hours, default=0)
    bought = [float(d["purchase_value"]) for d in days if d["purchases"]]
    result["rfm_monetary_value"] = statistics.mean(bought[1:]) if len(bought) > 1 else None
    known = sorted(s["duration_ms"] // 1000 for s in rows.sessions if s["duration_ms"] is not None)
    median = statistics.median_low(known)
    for window, length in WINDOWS.items():
        inside = [d["event_date"] for d in days if d["event_date"] >= AS_OF - timedelta(days=length)]
        intervals = [(b - a).days for a, b in itertools.pairwise(inside)]
        result[f"active_interval_mean_days_{window}"] = statistics.mean(intervals) if intervals else None
        result[f"active_interval_std_days_{window}"] = statistics.stdev(intervals) if intervals[1:] else None
        shares = {}
        for dimension in ("event_name", "hour"):
            counts: Counter[str] = Counter()
            for owner, on, kind, item, n in rows.items:
                if (owner, kind) == (user, dimension) and on in inside:
                    counts[item] += n
            shares[dimension] = [n / counts.total() for n in counts.values()]
        entropy = -sum(p * math.log2(p) for p in shares["event_name"])
        result[f"event_name_entropy_bits_{window}"] = entropy if inside else None
        result[f"hour_concentration_index_{window}"] = sum(p * p for p in shares["hour"]) if inside else None
        durations = [
            median if s["duration_ms"] is None else s["duration_ms"] / 1000
            for s in rows.sessions
            if s["user_id"] == user and s["session_date"] in inside
        ]
        result[f"session_duration_mean_s_{window}"] = statistics.mean(durations) if durations else None
    return result


def test_equal_to_plain_python_and_independent_of_order(spark: SparkSession) -> None:
    rows = random_rows(seed=11)
    gaps = [d.pop("gaps") for d in rows.days]
    days, items, sessions = rows.frames(spark)
    found = build((days, items, sessions))
    turned = build(tuple(df.repartition(3) for df in rows.frames(spark, order=-1)))
    assert found == turned  # to the last bit
    for row, own in zip(rows.days, gaps, strict=True):
        row["gaps"] = own
    assert len(found) == 30
    for user, row in found.items():
        for name, value in (expected(rows, user) | expected_habits(rows, user)).items():
            if value is None:
                assert row[name] is None, (user, name)
            else:
                assert float(row[name]) == pytest.approx(float(value), rel=1e-9, abs=1e-11), (user, name)
    for kind in ("new", "returning", "resurrecting", "dormant", "gone"):
        assert any(row[f"lifecycle_{kind}_flag_{w}"] for row in found.values() for w in ("7d", "30d", "90d")), kind


def test_no_users_no_rows(spark: SparkSession) -> None:
    assert build(Rows().frames(spark)) == {}
