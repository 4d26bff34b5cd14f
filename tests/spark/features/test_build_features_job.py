"""The job: cuts, past cuts without a leak, equal again, other parameters."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.build_features import run
from segmentation.errors import ConfigurationError, DataError
from segmentation.models.params import PropensityParams
from segmentation.models.windows import History, LabelWindow, choose_cuts
from segmentation.parameters import WorkspaceParams
from segmentation.runtime.main import open_context
from segmentation.sessions.as_of import tables_of
from segmentation.sessions.params import SessionParams
from segmentation.tables import EVENTS, SESSIONS, USER_DAYS, USER_FEATURES
from tests.spark.stored import stored_event, stored_events

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from segmentation.runtime.context import Context

pytestmark = pytest.mark.spark

CONF = Path(__file__).parents[3] / "conf"
START = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
AS_OF = date(2024, 4, 1)
FEW = (
    "features.funnels=[visits]",
    "features.windows_days=[30]",
    "features.platforms=[web]",
    "propensity.training_cuts=1",
)


def event(user: str, at: datetime, received_at: datetime | None = None) -> dict[str, Any]:
    return stored_event(user_id=user, event_name="visit", event_at=at, received_at=received_at or at)


def history() -> list[dict[str, Any]]:
    """Two users who come every third and every tenth day until the cut."""
    steps = {"often": 3, "rarely": 10}
    days = [(user, day) for user, step in steps.items() for day in range(0, 91, step)]
    return [event(user, START + timedelta(days=day, minutes=m)) for user, day in days for m in (0, 5)]


def write(ctx: Context, rows: list[dict[str, Any]]) -> None:
    tables = tables_of(stored_events(ctx.spark, rows), workspace=WorkspaceParams(), sessions=SessionParams())
    ctx.lake.replace(EVENTS, tables.events)
    ctx.lake.replace(SESSIONS, tables.sessions)
    ctx.lake.replace(USER_DAYS, tables.user_days)
    ctx.lake.publish({})


def features(ctx: Context) -> set[tuple[Any, ...]]:
    rows = ctx.lake.read(USER_FEATURES).collect()
    found = {tuple(row) for row in rows}
    assert len(found) == len(rows)
    return found


def test_cuts_do_not_leak_and_parameters_do_not_mix(spark: SparkSession, tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    (conf / "funnels" / "visits.yaml").write_text("name: visits\nsteps: [visit, visit, visit]\nunit: session\n")
    ctx = open_context(conf_dir=conf, lake=str(tmp_path / "lake"), overrides=FEW, spark=spark)
    write(ctx, history())
    report = run(ctx)
    known = History(START.date(), AS_OF - timedelta(days=1))
    found = choose_cuts(LabelWindow(0, 28), as_of=AS_OF, history=known, maturity_days=0, params=ctx.config.propensity)
    assert found
    earlier = found.all
    assert report.as_of == AS_OF
    assert report.quality["users"] == {str(cut): 2 for cut in (*earlier, AS_OF)}
    before = features(ctx)
    assert {row["funnel_visits_steps_count_life"] for row in ctx.lake.read(USER_FEATURES).collect()} == {2}

    # The cut is past now: what happened or was received later, by whomever, must not change its rows.
    later = datetime(2024, 4, 2, tzinfo=timezone.utc)
    news = [event("new", later), event("often", START + timedelta(days=1), received_at=later)]
    news.append(event("often", START + timedelta(minutes=9), received_at=later))  # a third step of a first visit
    write(ctx, [*history(), *news])
    past = replace(ctx, given_as_of=AS_OF)
    run(past)
    assert features(ctx) == before
    # A horizon too long for the history asks for no earlier cuts.
    alone = ctx.config.model_copy(update={"propensity": PropensityParams(horizon_days=90)})
    recent = run(replace(ctx, config=alone))
    assert recent.as_of == date(2024, 4, 3)
    assert recent.quality["users"] == {"2024-04-03": 3}

    with pytest.raises(DataError, match="no event happened and was received before 2024-01-01"):
        run(replace(ctx, given_as_of=START.date()))

    shorter = alone.features.model_copy(update={"windows_days": (14,)})
    other = replace(past, config=alone.model_copy(update={"features": shorter}))
    with pytest.raises(ConfigurationError, match="--rebuild"):
        run(other)
    run(replace(other, options={**other.options, "rebuild": True}))
    rebuilt = ctx.lake.read(USER_FEATURES)
    assert "events_count_14d" in rebuilt.columns
    assert "events_count_30d" not in rebuilt.columns
    assert rebuilt.where("events_count_14d > 0").count() > 0


def test_whoever_acts_faster_than_people_is_counted_and_left_out_where_asked(
    spark: SparkSession, tmp_path: Path
) -> None:
    few = (*FEW[1:], "consent.needed=[profiling]", "consent.events={off: {purpose: profiling, granted: false}}")
    few = (*few, "consent.otherwise=granted", "bots.hourly_events_max=2")
    ctx = open_context(conf_dir=CONF, lake=str(tmp_path / "lake"), overrides=few, spark=spark)
    burst = AS_OF - timedelta(days=3)
    fast = [event(user, datetime(burst.year, burst.month, burst.day, 9, m, tzinfo=timezone.utc))
            for user in ("machine", "refusing machine") for m in range(3)]  # fmt: skip
    calm = [event(user, START + timedelta(days=day)) for user in ("machine", "refusing machine") for day in range(9)]
    off = event("refusing machine", START) | {"event_id": "off", "event_name": "off", "state": "off"}
    write(ctx, [*history(), *fast, *calm, off])
    report = run(ctx)
    assert report.as_of == AS_OF
    before = min(report.quality["users"])
    assert date.fromisoformat(before) <= burst
    assert report.quality["users"] == dict.fromkeys(report.quality["users"], 3)
    assert (report.quality["bots"], report.quality["without_consent"]) == (1, 1)

    people = ctx.config.model_copy(update={"bots": ctx.config.bots.model_copy(update={"policy": "exclude"})})
    with pytest.raises(ConfigurationError, match="--rebuild"):
        run(replace(ctx, config=people))
    report = run(replace(ctx, config=people, options={**ctx.options, "rebuild": True}))
    assert (report.quality["bots_left_out"], report.quality["without_consent"]) == (1, 1)
    left = {(row["as_of"], row["user_id"]) for row in ctx.lake.read(USER_FEATURES).collect()}
    assert (date.fromisoformat(before), "machine") in left  # nobody could know it then
    assert {user for cut, user in left if cut == AS_OF} == {"often", "rarely"}
